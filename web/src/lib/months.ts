/** A year of calendar days as twelve months that start on Monday. */
import type { CalendarDay } from '@/api/types'

export interface Month {
  number: number
  /** Empty places before the first day; 0 when the month starts on a Monday. */
  offset: number
  days: CalendarDay[]
}

/** Days that the city did not mention are working days from Monday to Friday. */
export function monthsOf(year: number, known: CalendarDay[]): Month[] {
  const byDate = new Map(known.map((day) => [day.date, day]))
  return Array.from({ length: 12 }, (_, month) => {
    const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate()
    const days = Array.from({ length }, (_, day) => {
      const instant = new Date(Date.UTC(year, month, day + 1))
      const date = instant.toISOString().slice(0, 10)
      return byDate.get(date) ?? { date, working: instant.getUTCDay() % 6 !== 0, note: null }
    })
    return { number: month + 1, offset: (new Date(Date.UTC(year, month, 1)).getUTCDay() + 6) % 7, days }
  })
}
