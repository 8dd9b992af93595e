// Builds the pages with the very Node that runs this file, so that a machine whose only Node came with
// the Python wheel (and is not on PATH) can build too. Then compresses and prints the sizes.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

if (!process.argv.includes('--no-check')) run('node_modules/vue-tsc/bin/vue-tsc.js', '--noEmit')
run('node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn')
run('scripts/sizes.mjs')
