/** Numbers, times and clocks as people read them. Pure: the language is an argument. */
import type { Language } from '@/messages'

export const THIN_SPACE = '\u2009'
const ZONE = 'Asia/Shanghai'
const WEEKDAYS = {
  zh: ['周日', '周一', '周二', '周三', '周四', '周五', '周六'],
  en: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'],
}
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** From where on a number is shortened, the divisor, the unit and its decimals. */
const SCALES: Record<Language, [from: number, divisor: number, unit: string, decimals: number][]> = {
  zh: [
    [1e8, 1e8, '亿', 2],
    [1e5, 1e4, '万', 1],
  ],
  en: [
    [1e9, 1e9, 'bn', 2],
    [1e6, 1e6, 'M', 2],
  ],
}

/** All digits, grouped by three; two decimals at most where the number of decimals is not given. */
export function exactNumber(value: number, decimals?: number | null): string {
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals ?? 0, maximumFractionDigits: decimals ?? 2 })
}

/** A number for people: 2.41 亿, 194.8 万, 28,400, 96.8. */
export function readableNumber(value: number, language: Language, decimals?: number | null): { text: string; scale: string } {
  for (const [from, divisor, scale, places] of SCALES[language]) {
    if (Math.abs(value) >= from) return { text: exactNumber(value / divisor, places), scale }
  }
  return { text: exactNumber(value, decimals), scale: '' }
}

/** Measure words such as 条 and 件 say nothing in English beside a name that says what is counted. */
export function unitText(unit: string | null | undefined, language: Language): string {
  return language === 'en' && /[\u4e00-\u9fff]/.test(unit ?? '') ? '' : (unit ?? '')
}

/** Number, scale and unit in one text with thin spaces between. */
export function valueText(value: number | null | undefined, unit: string, language: Language, decimals?: number | null): string {
  if (value === null || value === undefined) return '—'
  const { text, scale } = readableNumber(value, language, decimals)
  const shown = unitText(unit, language)
  return [text, scale + (scale && shown && language === 'en' ? THIN_SPACE : ''), shown].filter(Boolean).join(THIN_SPACE)
}

interface Wall {
  year: number
  month: number
  day: number
  weekday: number
  clock: string
  seconds: string
}

const PARTS = new Intl.DateTimeFormat('en-CA', {
  timeZone: ZONE,
  hourCycle: 'h23',
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
})

/** The wall clock in Xi'an at an instant. */
export function wallTime(instant: Date): Wall {
  const part = Object.fromEntries(PARTS.formatToParts(instant).map((p) => [p.type, p.value]))
  const [year, month, day] = [Number(part.year), Number(part.month), Number(part.day)]
  return {
    year,
    month,
    day,
    weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(),
    clock: `${part.hour}:${part.minute}`,
    seconds: `${part.hour}:${part.minute}:${part.second}`,
  }
}

export type TimeStyle = 'full' | 'date' | 'day' | 'clock' | 'seconds'

/** 11月20日 周五 10:42, with the year where it is not this year's. */
export function timeText(iso: string, language: Language, style: TimeStyle = 'full', now = new Date()): string {
  const instant = new Date(iso)
  if (Number.isNaN(instant.getTime())) return iso
  const w = wallTime(instant)
  if (style === 'clock') return w.clock
  if (style === 'seconds') return w.seconds
  if (style === 'day') return language === 'zh' ? `${w.month}月${w.day}日` : `${w.day} ${MONTHS[w.month - 1]}`
  const otherYear = w.year !== wallTime(now).year
  const day =
    language === 'zh'
      ? `${otherYear ? `${w.year}年` : ''}${w.month}月${w.day}日 ${WEEKDAYS.zh[w.weekday]}`
      : `${WEEKDAYS.en[w.weekday]} ${w.day} ${MONTHS[w.month - 1]}${otherYear ? ` ${w.year}` : ''}`
  return style === 'date' ? day : `${day} ${w.clock}`
}

/** 一 to 日, from Monday. */
export function weekdayLetters(language: Language): string[] {
  const short = WEEKDAYS[language].map((day) => (language === 'zh' ? day.slice(1) : day.slice(0, 2)))
  return [...short.slice(1), short[0]!]
}

/** 1月, Jan. */
export function monthText(month: number, language: Language): string {
  return language === 'zh' ? `${month}月` : MONTHS[month - 1]!
}

export type ClockTone = 'calm' | 'soon' | 'late'
export const SOON_SECONDS = 2 * 3600

/** Working time left or exceeded as hours and minutes; seconds are rounded so that a clock never says late too early. */
export function clockOf(remainingSeconds: number): { tone: ClockTone; text: string } {
  const late = remainingSeconds < 0
  const minutes = late ? Math.ceil(-remainingSeconds / 60) : Math.floor(remainingSeconds / 60)
  const text = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
  return { tone: late ? 'late' : remainingSeconds <= SOON_SECONDS ? 'soon' : 'calm', text }
}

/** A value of unknown type on its way into a table cell. */
export function plainText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—'
  if (typeof value === 'number') return exactNumber(value)
  if (typeof value === 'object') return JSON.stringify(value)
  return String(value)
}

const UNITS: Record<Language, [seconds: number, unit: string][]> = {
  zh: [
    [86400, '天'],
    [3600, '小时'],
    [60, '分钟'],
    [1, '秒'],
  ],
  en: [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ],
}
const ISO_DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?$/

/** PT300S -> 5 分钟; what is no ISO 8601 duration is given back. */
export function durationText(iso: string, language: Language): string {
  const parts = ISO_DURATION.exec(iso)
  if (!parts) return iso
  const [days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0))
  const total = days! * 86400 + hours! * 3600 + minutes! * 60 + seconds!
  const [size, unit] = UNITS[language].find(([size]) => total >= size && total % size === 0) ?? [1, UNITS[language][3]![1]]
  return `${total / size}${THIN_SPACE}${unit}`
}
