// Writes .gz and .br beside every text file of the build, prints the sizes, and fails when the first load
// (sign-in, shell, operations centre, map and its worker) is over its budget.
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'

const BUDGET_KB = 500
const FIRST_PAGES = ['src/pages/SignInPage.vue', 'src/pages/OperationsPage.vue']
const out = fileURLToPath(new URL('../../src/citybase/server/pages/', import.meta.url))
const manifest = JSON.parse(readFileSync(out + 'manifest.json', 'utf8'))
rmSync(out + 'manifest.json')

const sizes = new Map()
for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(js|css|html|svg|json)$/.test(entry.name)) continue
  const path = `${entry.parentPath}/${entry.name}`.replace(/\/+/g, '/')
  const bytes = readFileSync(path)
  const gzip = gzipSync(bytes, { level: 9 })
  const brotli = brotliCompressSync(bytes)
  writeFileSync(path + '.gz', gzip)
  writeFileSync(path + '.br', brotli)
  sizes.set(path.slice(out.length), { raw: bytes.length, gzip: gzip.length, brotli: brotli.length })
}

const first = new Set(['index.html', 'favicon.svg'])
function include(key) {
  const chunk = manifest[key]
  if (!chunk || first.has(chunk.file)) return
  first.add(chunk.file)
  for (const file of [...(chunk.css ?? []), ...(chunk.assets ?? [])]) first.add(file)
  for (const next of chunk.imports ?? []) include(next)
}
for (const [key, chunk] of Object.entries(manifest)) if (chunk.isEntry) include(key)
for (const page of FIRST_PAGES) include(page)
for (const file of sizes.keys()) if (/worker/.test(file)) first.add(file)

const kb = (n) => (n / 1024).toFixed(1).padStart(8)
const rows = [...sizes].sort((a, b) => b[1].gzip - a[1].gzip)
console.log('   raw KB  gzip KB    br KB  (* first load)')
for (const [file, s] of rows) console.log(`${kb(s.raw)} ${kb(s.gzip)} ${kb(s.brotli)}  ${first.has(file) ? '*' : ' '} ${file}`)
const total = (key) => rows.reduce((n, [file, s]) => n + (first.has(file) ? s[key] : 0), 0)
console.log(`first load: ${kb(total('gzip')).trim()} KB gzip, ${kb(total('brotli')).trim()} KB brotli (budget ${BUDGET_KB})`)
if (total('gzip') > BUDGET_KB * 1024) {
  console.error(`The first load is over ${BUDGET_KB} KB gzip: load something later.`)
  process.exit(1)
}
