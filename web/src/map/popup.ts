/** What the map says about one point. Built from text nodes: names come from outside. */
import type { StationState } from '@/api/types'
import { timeText, valueText } from '@/lib/format'
import { nameIn, useKinds } from '@/lib/catalog'
import { language, m } from '@/messages'
import type { MapHit } from './city-map'

/** Where a point leads: a terminal to its page, an alarm to the case that it opened. */
export function addressOf(hit: MapHit): string {
  const id = String(hit.properties.id)
  if (hit.layer === 'stations') return `/resources/${id}`
  if (hit.layer === 'cases') return `/cases/${id}`
  return hit.properties.case_id ? `/cases/${String(hit.properties.case_id)}` : `/alarms?id=${encodeURIComponent(id)}`
}

export function popupContent(hit: MapHit, open?: (address: string) => void): HTMLElement {
  const box = document.createElement('div')
  const line = (text: string, className = '') => {
    const p = document.createElement('p')
    p.textContent = text
    p.className = className
    box.append(p)
  }
  line(String(hit.properties.name ?? hit.properties.id))
  line(noteOf(hit), 'quiet small')
  if (open) {
    const link = document.createElement('a')
    link.href = addressOf(hit)
    link.textContent = m.value.map.open
    link.addEventListener('click', (event) => {
      event.preventDefault()
      open(addressOf(hit))
    })
    box.append(link)
  }
  return box
}

function noteOf(hit: MapHit): string {
  const { properties: p } = hit
  if (hit.layer === 'alarms') return m.value.map.alarm
  if (hit.layer === 'cases') return m.value.map.case
  const kind = useKinds().value?.find((k) => k.id === p.kind)
  const property = kind?.properties.find((one) => one.id === p.property)
  const value =
    typeof p.value === 'number'
      ? `${nameIn(kind?.properties, String(p.property))} ${valueText(p.value, String(p.unit ?? property?.unit ?? ''), language.value, property?.decimals)}`
      : ''
  const last = p.time ? m.value.map.lastReading(timeText(new Date(Number(p.time)).toISOString(), language.value)) : m.value.map.neverRead
  const offline = p.state === 'offline' ? last : ''
  const simulated = p.simulated ? m.value.map.simulated : ''
  return [m.value.station[p.state as StationState] ?? String(p.state), value, offline, simulated].filter(Boolean).join(' · ')
}
