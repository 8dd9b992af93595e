/** Rules of the house that a reviewer should not have to check by eye. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = process.cwd()
const files = (folder: string, ending: RegExp) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => ending.test(name))
    .map((name) => join(folder, name))
const text = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const components = files('src', /\.vue$/)

describe('the house', () => {
  it('has no component over 200 lines', () => {
    expect(components.filter((path) => text(path).split('\n').length > 201)).toEqual([])
  })
  it('keeps every text for people in the messages', () => {
    const sources = [...components, ...files('src', /\.ts$/).filter((path) => !/messages|lib\/format/.test(path))]
    const code = (path: string) =>
      text(path)
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .replace(/^\s*\/\/.*$/gm, '')
    expect(sources.filter((path) => /[\u4e00-\u9fff]/.test(code(path)))).toEqual([])
  })
  it('names colours in the token file only', () => {
    const hex = /#[0-9a-f]{3,8}\b/i
    const styles = (path: string) => (path.endsWith('.vue') ? (text(path).split('<style')[1] ?? '') : text(path))
    const found = [...components, ...files('src', /\.css$/)].filter(
      (path) => !path.endsWith('tokens.css') && !path.endsWith('QrCode.vue') && hex.test(styles(path)),
    )
    expect(found).toEqual([])
  })
  it('locks dependencies without an address of where they came from', () => {
    const addresses = text('package-lock.json').match(/https?:\/\/[^"]+/g) ?? []
    expect(text('package-lock.json')).not.toContain('"resolved"')
    expect(addresses.filter((address) => !/opencollective|sponsor|funding|patreon|tidelift|ko-fi|paypal/.test(address))).toEqual([])
  })
  it('asks nothing of any other machine', () => {
    const sources = files('src', /\.(vue|ts|css)$/)
    expect(sources.filter((path) => /https?:\/\//.test(text(path)))).toEqual([])
  })
})
