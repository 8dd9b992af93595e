/** The days of a year as twelve months that start on Monday. */
import type { CalendarDay } from '@/api/types'

export interface Month {
  number: number
  /** Empty places before the first day; 0 when the month starts on a Monday. */
  offset: number
  days: CalendarDay[]
}

/** 0 for Monday to 6 for Sunday. */
function weekday(date: string): number {
  return (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7
}

export function isWeekday(date: string): boolean {
  return weekday(date) < 5
}

export function monthsOf(days: CalendarDay[]): Month[] {
  return Array.from({ length: 12 }, (_, index) => {
    const own = days.filter((day) => Number(day.date.slice(5, 7)) === index + 1)
    return { number: index + 1, offset: own[0] ? weekday(own[0].date) : 0, days: own }
  })
}
