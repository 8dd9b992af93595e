/** The readiness answer as one list of engines, whichever of its two shapes it has. */
import type { EngineHealth, Ready } from '@/api/types'

const GOOD = ['ok', 'ready', 'up', 'healthy']

export function enginesOf(ready: Ready | undefined): EngineHealth[] {
  if (!ready) return []
  if (ready.engines) return ready.engines
  return Object.entries(ready.checks ?? {}).map(([name, check]) => {
    if (typeof check === 'boolean') return { name, ok: check }
    if (typeof check === 'string') return { name, ok: GOOD.includes(check), detail: check }
    return { name, ok: check.ok, detail: check.detail }
  })
}
