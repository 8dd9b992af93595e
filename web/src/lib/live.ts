/** One push channel (SSE) for all pages: opened with the first listener, closed with the last. */
import { onScopeDispose, ref } from 'vue'
import { API } from '@/api/client'
import type { Latest } from '@/api/types'

export type LiveEvent = 'latest' | 'alarm' | 'case' | 'indicator'
type Handler = (data: unknown) => void

export const liveState = ref<'off' | 'live' | 'reconnecting'>('off')
const EVENTS: LiveEvent[] = ['latest', 'alarm', 'case', 'indicator']
const RETRY_MS = 5000
const handlers = new Map<LiveEvent, Set<Handler>>(EVENTS.map((e) => [e, new Set()]))
let source: EventSource | undefined
let retry: ReturnType<typeof setTimeout> | undefined

function open(): void {
  source = new EventSource(`${API}/stream`)
  source.onopen = () => (liveState.value = 'live')
  source.onerror = () => {
    liveState.value = 'reconnecting'
    if (source?.readyState !== EventSource.CLOSED) return
    retry = setTimeout(open, RETRY_MS)
  }
  for (const event of EVENTS) {
    source.addEventListener(event, (message) => {
      const data: unknown = JSON.parse((message as MessageEvent<string>).data)
      handlers.get(event)?.forEach((handler) => handler(data))
    })
  }
}

function closeIfUnused(): void {
  if ([...handlers.values()].some((set) => set.size > 0)) return
  clearTimeout(retry)
  source?.close()
  source = undefined
  liveState.value = 'off'
}

/** Listens as long as the calling component lives. */
export function onLive(event: LiveEvent, handler: Handler): void {
  handlers.get(event)?.add(handler)
  if (!source) open()
  onScopeDispose(() => {
    handlers.get(event)?.delete(handler)
    closeIfUnused()
  })
}

/** At most one call per `wait` milliseconds, the last one never lost. */
export function calmly(action: () => void, wait = 1500): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  onScopeDispose(() => clearTimeout(timer))
  return () => {
    timer ??= setTimeout(() => {
      timer = undefined
      action()
    }, wait)
  }
}

/** Listens for new readings. On the channel times are milliseconds; pages know ISO 8601 only. */
export function onReadings(handler: (items: Latest[]) => void): void {
  type Pushed = Omit<Latest, 'time' | 'received'> & { time: number | string; received: number | string }
  const iso = (time: number | string) => new Date(time).toISOString()
  onLive('latest', (data) =>
    handler((data as { items: Pushed[] }).items.map((item) => ({ ...item, time: iso(item.time), received: iso(item.received) }))),
  )
}
