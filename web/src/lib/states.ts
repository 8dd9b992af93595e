/** From the words of the API to the colours and words of the page. */
import type { CaseItem, IndicatorItem, Priority } from '@/api/types'
import { m } from '@/messages'
import { clockOf } from './format'

export type Tone = 'ok' | 'good' | 'warn' | 'high' | 'alarm' | 'late' | 'info' | 'off'
const TONES = new Set<string>(['ok', 'good', 'warn', 'high', 'alarm', 'late', 'info'])
const PRIORITIES: Priority[] = ['urgent', 'high', 'normal', 'low']

export function toneOf(state: string | null | undefined): Tone {
  if (state && TONES.has(state)) return state as Tone
  return 'off'
}

/** Priorities come as words, or as 1 (most urgent) to 4. */
export function priorityOf(value: Priority | number): Priority {
  return typeof value === 'number' ? (PRIORITIES[Math.min(4, Math.max(1, value)) - 1] ?? 'normal') : value
}
export const PRIORITY_TONE: Record<Priority, Tone> = { urgent: 'alarm', high: 'high', normal: 'info', low: 'off' }

export const ALARM_TONE = { active: 'alarm', acknowledged: 'warn', cleared: 'ok' } as const

/** The one tag of a case in a list: late before soon late before urgent before its state. */
export function caseTag(item: CaseItem): { tone: Tone; text: string } {
  const clock = item.remaining_seconds === null ? undefined : clockOf(item.remaining_seconds)
  if (clock?.tone === 'late') return { tone: 'late', text: m.value.clock.late }
  if (clock?.tone === 'soon') return { tone: 'warn', text: m.value.clock.soon }
  const priority = priorityOf(item.priority)
  if (priority === 'urgent' || priority === 'high') return { tone: PRIORITY_TONE[priority], text: m.value.priority[priority] }
  return { tone: 'info', text: m.value.priority[priority] }
}

/** Outcomes of audited actions: done, denied, failed. */
export function outcomeOf(outcome: string): { tone: Tone; text: string } {
  return { tone: outcome === 'done' ? 'ok' : 'alarm', text: m.value.audit.outcomes[outcome] ?? outcome }
}

/** How a number stands to its target; a number not yet measured says so. */
export function targetTag(indicator: IndicatorItem): { tone: Tone; text: string } {
  if (indicator.value === null) return { tone: 'off', text: m.value.indicators.noValue }
  return { tone: toneOf(indicator.state), text: m.value.indicators.states[indicator.state] }
}
