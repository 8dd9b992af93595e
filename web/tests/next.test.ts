import { describe, expect, it } from 'vitest'
import { unitText } from '@/lib/format'
import { nextPlace } from '@/lib/next'

describe('after the sign-in', () => {
  it.each([
    ['/cases?queue=late#top', '/cases?queue=late#top'],
    ['/oidc/authorize?client_id=a', '/oidc/authorize?client_id=a'],
    [undefined, '/'],
    ['', '/'],
    ['cases', '/'],
    ['//evil.example/oidc/', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['/a/..//evil.example', '/'],
    ['javascript:alert(1)', '/'],
  ])('%s leads to %s', (next, place) => {
    expect(nextPlace(next, 'http:' + '//city.example')).toBe(place)
  })
})

describe('units', () => {
  it('leaves Chinese measure words out of English numbers', () => {
    expect([unitText('条', 'zh'), unitText('条', 'en'), unitText('%', 'en'), unitText(null, 'en')]).toEqual(['条', '', '%', ''])
  })
})
