import { describe, expect, it } from 'vitest'
import { clockOf, durationText, exactNumber, plainText, readableNumber, THIN_SPACE, timeText, valueText } from '@/lib/format'

const NOW = new Date('2026-11-20T04:00:00Z')

describe('numbers', () => {
  it('keeps all digits of small numbers', () => {
    expect(readableNumber(28_400, 'zh')).toEqual({ text: '28,400', scale: '' })
    expect(readableNumber(99_999, 'zh')).toEqual({ text: '99,999', scale: '' })
  })
  it('says 万 and 亿 in Chinese', () => {
    expect(readableNumber(1_948_207, 'zh')).toEqual({ text: '194.8', scale: '万' })
    expect(readableNumber(241_000_000, 'zh')).toEqual({ text: '2.41', scale: '亿' })
    expect(readableNumber(-241_000_000, 'zh')).toEqual({ text: '-2.41', scale: '亿' })
  })
  it('says M and bn in English', () => {
    expect(readableNumber(1_948_207, 'en')).toEqual({ text: '1.95', scale: 'M' })
    expect(readableNumber(2_410_000_000, 'en')).toEqual({ text: '2.41', scale: 'bn' })
  })
  it('shows the decimals that a property declares, and at most two where none are declared', () => {
    expect(exactNumber(35, 1)).toBe('35.0')
    expect(exactNumber(96.8)).toBe('96.8')
    expect(exactNumber(1 / 3)).toBe('0.33')
  })
  it('puts a thin space before the unit and a dash for a missing value', () => {
    expect(valueText(186, 'µg/m³', 'zh')).toBe(`186${THIN_SPACE}µg/m³`)
    expect(valueText(null, 'µg/m³', 'zh')).toBe('—')
    expect(valueText(0, '', 'zh')).toBe('0')
  })
  it('turns any cell into text', () => {
    expect([null, '', 12.5, { a: 1 }, 'x'].map(plainText)).toEqual(['—', '—', '12.5', '{"a":1}', 'x'])
  })
})

describe('times', () => {
  it('reads as in Xi’an wherever the reader is', () => {
    expect(timeText('2026-11-20T02:42:00Z', 'zh', 'full', NOW)).toBe('11月20日 周五 10:42')
    expect(timeText('2026-11-20T02:42:00Z', 'en', 'full', NOW)).toBe('Fri 20 Nov 10:42')
  })
  it('crosses midnight with the city, not with UTC', () => {
    expect(timeText('2026-11-20T16:30:00Z', 'zh', 'full', NOW)).toBe('11月21日 周六 00:30')
  })
  it('names the year when it is another one', () => {
    expect(timeText('2013-03-01T00:00:00+08:00', 'zh', 'full', NOW)).toBe('2013年3月1日 周五 00:00')
    expect(timeText('2013-03-01T00:00:00+08:00', 'en', 'date', NOW)).toBe('Fri 1 Mar 2013')
  })
  it('can say the day alone', () => {
    expect([timeText('2013-03-01T00:00:00+08:00', 'zh', 'day'), timeText('2013-03-01T00:00:00+08:00', 'en', 'day')]).toEqual([
      '3月1日',
      '1 Mar',
    ])
  })
  it('gives back what is no time', () => {
    expect(timeText('soon', 'zh')).toBe('soon')
  })
})

describe('durations', () => {
  it('uses the largest unit that divides them', () => {
    expect(durationText('PT300S', 'zh')).toBe(`5${THIN_SPACE}分钟`)
    expect(durationText('PT90S', 'zh')).toBe(`90${THIN_SPACE}秒`)
    expect(durationText('P1DT12H', 'en')).toBe(`36${THIN_SPACE}h`)
    expect(durationText('P30D', 'en')).toBe(`30${THIN_SPACE}d`)
  })
  it('gives back what is none', () => {
    expect(durationText('monthly', 'zh')).toBe('monthly')
  })
})

describe('the clock of a case', () => {
  it('counts down in hours and minutes', () => {
    expect(clockOf(7 * 3600 + 20 * 60)).toEqual({ tone: 'calm', text: '07:20' })
    expect(clockOf(12 * 60)).toEqual({ tone: 'soon', text: '00:12' })
    expect(clockOf(120 * 3600).text).toBe('120:00')
  })
  it('is late from the first second over, and never shows 00:00 as late', () => {
    expect(clockOf(0)).toEqual({ tone: 'soon', text: '00:00' })
    expect(clockOf(-1)).toEqual({ tone: 'late', text: '00:01' })
    expect(clockOf(-95 * 60)).toEqual({ tone: 'late', text: '01:35' })
  })
})
