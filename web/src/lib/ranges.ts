/** Named stretches of time for charts, and the window that keeps a chart at a readable number of points. */
const HOUR_MS = 3_600_000

export const RANGES = { '6h': 6, '24h': 24, '7d': 168, '30d': 720 } as const
export type RangeName = keyof typeof RANGES | 'last'
/** Windows as ISO 8601 durations; raw is none. */
export const WINDOWS = { raw: undefined, '1m': 'PT1M', '10m': 'PT10M', '1h': 'PT1H', '1d': 'P1D' } as const
export type WindowName = keyof typeof WINDOWS

/** `last` ends at the newest reading there is: a replay or a device that fell silent still shows something. */
export function rangeOf(name: RangeName, now: Date, newest?: string): { from: string; to: string } {
  const end = name === 'last' && newest ? new Date(Date.parse(newest) + 1) : now
  const hours = name === 'last' ? RANGES['7d'] : RANGES[name]
  return { from: new Date(end.getTime() - hours * HOUR_MS).toISOString(), to: end.toISOString() }
}

export function windowFor(name: RangeName): WindowName {
  return name === '6h' || name === '24h' ? 'raw' : '1h'
}
