import { effectScope, nextTick, ref } from 'vue'
import { describe, expect, it } from 'vitest'
import type { CalendarDay, CaseItem, Organization, Page } from '@/api/types'
import { ApiProblem } from '@/api/client'
import { useList, useLoad } from '@/lib/load'
import { withGaps } from '@/lib/gaps'
import { isWeekday, monthsOf } from '@/lib/months'
import { rangeOf } from '@/lib/ranges'
import { sparkPath } from '@/lib/spark'
import { caseTag, priorityOf } from '@/lib/states'
import { buildTree } from '@/lib/tree'
import { areaAt, boxOf, largestPart, nameplace } from '@/map/geometry'

const settled = () => new Promise((resolve) => setTimeout(resolve))

describe('reading into a page', () => {
  it('drops an answer that was overtaken', async () => {
    const id = ref(1)
    const release: Record<number, (value: string) => void> = {}
    const scope = effectScope()
    const loaded = scope.run(() => useLoad(() => new Promise<string>((resolve) => (release[id.value] = resolve)), [id]))!
    id.value = 2
    await nextTick()
    release[2]!('second')
    await settled()
    release[1]!('first')
    await settled()
    expect(loaded.data.value).toBe('second')
    scope.stop()
  })
  it('keeps what was read when a reload fails, and says why', async () => {
    let fails = false
    const scope = effectScope()
    const loaded = scope.run(() => useLoad(async () => (fails ? Promise.reject(new ApiProblem({ title: '不行', status: 500 })) : 'good')))!
    await settled()
    fails = true
    await loaded.reload()
    expect([loaded.data.value, loaded.problem.value?.message, loaded.loading.value]).toEqual(['good', '不行', false])
    scope.stop()
  })
  it('follows the cursor to the end', async () => {
    const pages: Record<string, Page<number>> = {
      '': { items: [1, 2], next: 'b', total: { count: 3, exact: true } },
      b: { items: [3], next: null },
    }
    const scope = effectScope()
    const list = scope.run(() => useList(async (cursor) => pages[cursor ?? '']!))!
    await settled()
    expect([list.items.value, list.hasMore.value]).toEqual([[1, 2], true])
    await list.more()
    expect([list.items.value, list.hasMore.value, list.total.value?.count]).toEqual([[1, 2, 3], false, 3])
    scope.stop()
  })
})

describe('the organisation tree', () => {
  const organization = (id: string, parent_id: string | null, name: string, former_names: string[] = []): Organization => ({
    id,
    parent_id,
    name,
    former_names,
    code: id,
    kind: 'x',
    path: '',
  })
  const all = [
    organization('1', null, '西安市'),
    organization('2', '1', '市生态环境局', ['市环境保护局']),
    organization('3', '1', '市水务局'),
    organization('9', 'unseen', '看不见上级的单位'),
  ]
  it('puts those whose parent is out of sight at the top', () => {
    expect(buildTree(all).map((branch) => branch.organization.id)).toEqual(['1', '9'])
  })
  it('finds by an old name and keeps the way down', () => {
    const [root] = buildTree(all, '环境保护')
    expect(root?.children.map((branch) => branch.organization.id)).toEqual(['2'])
  })
})

describe('the calendar page', () => {
  const day = (date: string): CalendarDay => ({ date, working: true, statutory: true, own: false, note: '' })
  it('starts each month under its weekday, Monday first', () => {
    const months = monthsOf([day('2026-11-01'), day('2026-11-02')])
    expect([months[10]?.offset, months[10]?.days.length, months[0]?.days.length]).toEqual([6, 2, 0])
  })
  it('knows weekdays from weekends', () => {
    expect([isWeekday('2026-11-20'), isWeekday('2026-11-21'), isWeekday('2026-11-22')]).toEqual([true, false, false])
  })
})

describe('charts', () => {
  it('breaks the trend line at a missing value', () => {
    expect(sparkPath([1, null, 2], 100, 20).match(/M/g)).toHaveLength(2)
    expect(sparkPath([1], 100, 20)).toBe('')
  })
  it('opens a gap where readings stopped coming', () => {
    const at = (minute: number): [string, number] => [`2026-11-20T00:${String(minute).padStart(2, '0')}:00.000Z`, 1]
    const shown = withGaps([at(0), at(5), at(10), at(40), at(45)])
    expect(shown[3]).toEqual(['2026-11-20T00:15:00.000Z', null])
    expect(shown).toHaveLength(6)
    expect(withGaps([at(0)])).toHaveLength(1)
  })
  it('ends the range of old data at its newest reading', () => {
    expect(rangeOf('last', new Date('2026-11-20T00:00:00Z'), '2014-01-08T00:00:00Z').from).toBe('2014-01-01T00:00:00.001Z')
  })
})

describe('the tag of a case', () => {
  const item = (remaining_seconds: number | null, priority: CaseItem['priority'] = 'normal') =>
    ({ remaining_seconds, priority }) as CaseItem
  it('says late before soon before urgent', () => {
    expect(caseTag(item(-1, 'urgent')).tone).toBe('late')
    expect(caseTag(item(60, 'urgent')).tone).toBe('warn')
    expect(caseTag(item(99_999, 'urgent')).tone).toBe('alarm')
    expect(caseTag(item(null)).tone).toBe('info')
  })
  it('reads priorities as words and as numbers', () => {
    expect([priorityOf(1), priorityOf(4), priorityOf('high')]).toEqual(['urgent', 'low', 'high'])
  })
})

describe('geometry of the map', () => {
  const square = (x: number, size: number) => [
    [x, 0],
    [x + size, 0],
    [x + size, size],
    [x, size],
    [x, 0],
  ]
  const cells = {
    type: 'FeatureCollection' as const,
    features: [
      {
        type: 'Feature' as const,
        properties: { area_code: 'a' },
        geometry: { type: 'MultiPolygon' as const, coordinates: [[square(0, 1)], [square(10, 4)]] },
      },
    ],
  }
  it('names a district in its largest part', () => {
    const { area, ring } = largestPart(cells.features[0]!.geometry)
    expect(area).toBe(16)
    expect(nameplace(ring, [])).toEqual([12, 2])
  })
  it('keeps a name away from the points of its district', () => {
    const { ring } = largestPart(cells.features[0]!.geometry)
    const [x, y] = nameplace(ring, [[12, 2]])
    expect(areaAt(cells, [x, y])?.area_code).toBe('a')
    expect(Math.hypot(x - 12, y - 2)).toBeGreaterThan(0.5)
  })
  it('frames everything and finds the district of a place', () => {
    expect(boxOf(cells)).toEqual([0, 0, 14, 4])
    expect(areaAt(cells, [11, 1])?.area_code).toBe('a')
    expect(areaAt(cells, [5, 1])).toBeUndefined()
  })
})
