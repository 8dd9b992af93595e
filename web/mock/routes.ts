/** What the made-up city answers. Only development sees it. */
import type { IndicatorDetail, Session } from '../src/api/types'
import { ago, alarms, cases, caseType, chance, cityMap, kinds, organizations, resources } from './city.ts'

export interface MockRequest {
  method: string
  path: string
  query: URLSearchParams
  body: Record<string, unknown>
  signedIn: boolean
}
export type Answer = { status?: number; body?: unknown; cookie?: string }
type Handler = (request: MockRequest, id: string) => Answer

const permissions = [
  'identity.read',
  'identity.write',
  'calendar.write',
  'pack.read',
  'resource.read',
  'resource.write',
  'resource.import',
  'credential.issue',
  'observation.read',
  'alarm.read',
  'alarm.acknowledge',
  'case.read',
  'case.intake',
  'case.dispatch',
  'indicator.read',
  'indicator.compute',
  'map.write',
  'system.read',
  'audit.read',
]
const session = (signedIn: boolean): Session => ({
  city: { name: '示例市 · 城市运行', name_en: 'Sample city', code: '610100' },
  environment: '开发(虚构数据)',
  mode: 'normal',
  principal: signedIn
    ? {
        id: 'p1',
        username: 'duty',
        name: '值班员甲',
        organization: { id: '610100-sj', code: '610100-sj', name: '市数据局' },
        roles: ['operator'],
        permissions,
        clearance: 3,
        must_change_password: false,
      }
    : null,
})

function page<T>(all: T[], query: URLSearchParams): Answer {
  const [start, limit] = [Number(query.get('cursor') ?? 0), Number(query.get('limit') ?? 50)]
  const next = start + limit < all.length ? String(start + limit) : null
  return { body: { items: all.slice(start, start + limit), next, total: { count: all.length, exact: true } } }
}
const problem = (status: number, title: string, remedy: string): Answer => ({
  status,
  body: { type: 'about:blank', title, status, code: 'mock', detail: '', remedy },
})
const trend = (level: number, spread: number) => Array.from({ length: 30 }, (_, i) => level + Math.sin(i / 4) * spread + chance() * spread)
const day = (i: number) => ago((30 - i) * 1440)

const indicator = (
  id: string,
  name: string,
  value: number,
  unit: string,
  state: 'ok' | 'warn' | 'alarm' | 'none',
  target: number | null,
): IndicatorDetail => ({
  id,
  name,
  name_en: id,
  value,
  unit,
  decimals: 1,
  target: target === null ? null : { comparator: '>=', value: target },
  state,
  trend: trend(value, value / 30),
  computed_at: ago(4),
  period: 'PT300S',
  error: null,
  description: '应在工作时限内办结的事项中,按时办结的占比。只数工作时间;退回重办的不重新计时。',
  sql: "SELECT 100.0 * count(*) FILTER (closed_at <= due_at) / count(*) AS value\nFROM case_item\nWHERE closed_at >= date_trunc('day', now())",
  tables: [
    { name: 'case_item', title: '事项', title_en: 'Cases', kind: 'PostgreSQL', rows: 1286 },
    { name: 'city.observation', title: '观测', title_en: 'Observations', kind: 'Iceberg', rows: 241_000_000 },
  ],
  numerator: 1245,
  denominator: 1286,
  history: trend(value, value / 30).map((v, i) => ({ time: day(i), value: i === 12 ? null : v })),
  serves: ['000-T05', 'I03'],
  pack: 'air',
})
const indicators = [
  indicator('on-time-rate', '按时办结率', 96.8, '%', 'ok', 95),
  indicator('good-air-days', '优良天数比例', 71.2, '%', 'warn', 74),
  indicator('online-rate', '终端在线率', 91.4, '%', 'alarm', 95),
  indicator('readings-today', '今日读数', 241_000_000, '条', 'none', null),
]

const figures = [
  { id: 'online', name: '在线终端', name_en: 'Terminals online', value: 1_948_207, unit: '', note: '≥ 95 %', note_state: 'ok' },
  { id: 'alarms', name: '活动告警', name_en: 'Active alarms', value: 23, unit: '', note: null, note_state: null },
  { id: 'cases', name: '在办事项', name_en: 'Open cases', value: 1286, unit: '', note: null, note_state: null },
  { id: 'rate', name: '按时办结率', name_en: 'Closed on time', value: 96.8, unit: '%', note: '≥ 95 %', note_state: 'ok' },
  { id: 'readings', name: '今日读数', name_en: 'Readings today', value: 241_000_000, unit: '', note: null, note_state: null },
].map((f) => ({
  ...f,
  trend: trend(10, 2),
  computed_at: ago(1),
  link: f.id === 'alarms' ? '/alarms' : f.id === 'cases' ? '/cases?queue=all' : '/indicators/on-time-rate',
}))

const audit = Array.from({ length: 240 }, (_, i) => ({
  index: 240 - i,
  time: ago(i * 7),
  actor: { name: i % 3 ? '值班员甲' : '系统', organization: '市数据局' },
  action: ['case.dispatch', 'resource.write', 'session.open', 'alarm.acknowledge'][i % 4],
  target: { type: 'case', id: `0199-${i}` },
  outcome: i % 9 === 4 ? 'denied' : 'done',
}))
const series = (query: URLSearchParams) => {
  const [from, to] = [Date.parse(query.get('from') ?? ago(1440)), Date.parse(query.get('to') ?? ago(0))]
  const points = Array.from({ length: 96 }, (_, i) => [
    new Date(from + ((to - from) * i) / 95).toISOString(),
    i > 40 && i < 47 ? null : Math.max(5, Math.round(70 + Math.sin(i / 9) * 55 + chance() * 25)),
  ])
  return {
    property: query.get('property'),
    unit: 'µg/m³',
    points,
    window: query.get('window'),
    thresholds: [{ rule: 'pm25-heavy', value: 150, label: '重度' }],
  }
}
const preview = {
  id: 'i1',
  file_name: '空气站台账.csv',
  kind: 'air-station',
  state: 'previewed',
  encoding: 'GB18030',
  sheet: null,
  columns: [
    { header: '编码', field: 'code' },
    { header: '名称', field: 'name' },
    { header: '备注', field: null },
  ],
  rows_ok: 212,
  rows_bad: 2,
  rows: resources.slice(0, 20).map(({ code, name }) => ({ code, name })),
  errors: [
    { row: 17, column: '经度', code: 'range', message: '经度 1089.4 不在 73–136 之间', remedy: '检查小数点:可能是 108.94' },
    { row: 40, column: '编码', code: 'duplicate', message: '编码 6101-AQ-0007 已在台账中', remedy: '改编码,或从文件中删去这一行' },
  ],
}
const person = {
  id: 'p1',
  username: 'duty',
  kind: 'person',
  name: '值班员甲',
  organization: { id: '610100-sj', name: '市数据局' },
  grants: [{ role: 'operator', organization_id: '610100' }],
  clearance: 3,
  disabled: false,
  locked_until: null,
  version: 1,
}
/** Weekends off, and two days that differ. */
function calendar(year: number) {
  const items = Array.from({ length: 365 }, (_, i) => {
    const day = new Date(Date.UTC(year, 0, i + 1))
    const date = day.toISOString().slice(0, 10)
    const statutory = date.endsWith('10-01') ? false : date.endsWith('10-10') ? true : day.getUTCDay() % 6 !== 0
    return { date, working: statutory, statutory, own: false, note: '' }
  })
  return { year, known_through: `${year}-12-31`, items }
}
const has = (value: unknown, q: string | null) => !q || JSON.stringify(value).includes(q)
const facet = (key: 'kind' | 'life_cycle' | 'area_code' | 'classification') =>
  Object.entries(Object.groupBy(resources, (r) => String(r[key]))).map(([value, rows]) => ({ value, count: rows!.length }))

export const routes: [pattern: string, handler: Handler][] = [
  ['GET /session', ({ signedIn }) => ({ body: session(signedIn) })],
  [
    'POST /session',
    ({ body }) =>
      body.password === 'wrong'
        ? problem(401, '用户名或密码不对', '请重新输入;连续错 5 次会锁定 15 分钟。')
        : { body: session(true).principal, cookie: 'mock=in; Path=/' },
  ],
  ['DELETE /session', () => ({ status: 204, cookie: 'mock=; Path=/; Max-Age=0' })],
  ['POST /session/password', () => ({ status: 204 })],
  ['GET /organizations', ({ query }) => page(organizations, new URLSearchParams({ limit: '999', cursor: query.get('cursor') ?? '0' }))],
  ['GET /kinds', () => ({ body: { items: kinds } })],
  [
    'GET /resources',
    ({ query }) =>
      page(
        resources.filter((r) => has(r, query.get('q')) && (!query.get('area') || r.area_code === query.get('area'))),
        query,
      ),
  ],
  [
    'GET /resources/facets',
    () => ({
      body: { kind: facet('kind'), life_cycle: facet('life_cycle'), area: facet('area_code'), classification: facet('classification') },
    }),
  ],
  ['GET /resources/:id', (_, id) => ({ body: resources.find((r) => r.id === id) })],
  [
    'GET /resources/:id/history',
    () => ({
      body: {
        items: [
          {
            version: 3,
            time: ago(90),
            actor: { name: '值班员甲', organization: '市数据局' },
            action: 'resource.update',
            changes: { address: ['示例路 1 号', '示例路 3 号'] },
          },
        ],
      },
    }),
  ],
  ['GET /resources/:id/observations', ({ query }) => ({ body: series(query) })],
  ['POST /resources', ({ body }) => ({ body: { ...resources[0], ...body } })],
  [
    'POST /resources/:id/credential',
    (_, id) => ({ body: { device: resources.find((r) => r.id === id)?.code, password: 'made-up-not-a-password' } }),
  ],
  ['POST /imports', () => ({ body: preview })],
  ['GET /imports/:id', () => ({ body: preview })],
  [
    'GET /observations/latest',
    ({ query }) => ({
      body: {
        items: kinds[0]!.properties.map((p) => ({
          resource_id: query.get('resource'),
          property: p.id,
          time: ago(3),
          value: Math.round(20 + chance() * 100),
          quality: 0,
          received: ago(3),
        })),
      },
    }),
  ],
  [
    'GET /rejections',
    ({ query }) =>
      page(
        [{ time: ago(12), source: 'mqtt', device: '6101-AQ-0009', reason: '不是合法的 JSON(第 1 行第 14 列)', raw: '{"t": "2026-11' }],
        query,
      ),
  ],
  [
    'GET /alarms',
    ({ query }) =>
      page(
        alarms.filter(
          (a) =>
            (!query.get('state') || a.state === query.get('state')) && (!query.get('resource') || a.resource.id === query.get('resource')),
        ),
        query,
      ),
  ],
  ['GET /case-types', () => ({ body: [caseType] })],
  [
    'GET /cases/queues',
    () => ({
      body: [
        { id: 'mine', name: '本岗待办', name_en: 'Mine', count: 6 },
        { id: 'late', name: '已超时', name_en: 'Late', count: 1 },
        { id: 'all', name: '全市在办', name_en: 'City', count: 64 },
        { id: 'closed', name: '已办结', name_en: 'Closed', count: 1220 },
      ],
    }),
  ],
  ['GET /cases', ({ query }) => page(cases.filter((c) => has(c, query.get('q'))).slice(0, query.get('queue') === 'mine' ? 6 : 46), query)],
  ['GET /cases/:id', (_, id) => ({ body: cases.find((c) => c.id === id) })],
  ['POST /cases', () => ({ body: cases[0] })],
  ['POST /cases/:id/actions/:action', () => ({ body: cases[0] })],
  ['GET /indicators', ({ query }) => page(indicators, query)],
  ['GET /indicators/:id', (_, id) => ({ body: indicators.find((i) => i.id === id) })],
  [
    'GET /indicators/:id/rows',
    () => ({
      body: {
        columns: [
          { id: 'number', name: '编号' },
          { id: 'title', name: '标题' },
          { id: 'closed_at', name: '办结' },
        ],
        items: cases.map((c) => ({ number: c.number, title: c.title, closed_at: ago(60), _link: { kind: 'case', id: c.id } })),
        next: null,
      },
    }),
  ],
  ['GET /operations/situation', () => ({ body: { figures, as_of: ago(0) } })],
  ['GET /operations/map', () => ({ body: cityMap() })],
  [
    'GET /audit',
    ({ query }) =>
      page(
        audit.filter((a) => has(a, query.get('q'))),
        query,
      ),
  ],
  [
    'GET /audit/:id',
    (_, id) => ({
      body: {
        ...audit.find((a) => String(a.index) === id),
        entry: { action: 'case.dispatch', actor: 'p1' },
        leaf_hash: 'ab'.repeat(32),
        proof: ['cd', 'ef', '01'].map((h) => h.repeat(32)),
        checkpoint: 'citybase/audit\n240\nq1w2e3…\n\n— citybase made-up-signature',
      },
    }),
  ],
  [
    'GET /tokens',
    ({ query }) =>
      page(
        [{ id: 't1', name: '报表程序', actions: ['indicator.read'], created_at: ago(9000), expires_at: null, last_used_at: ago(50) }],
        query,
      ),
  ],
  ['POST /tokens', ({ body }) => ({ body: { name: body.name, id: 't2', secret: 'made-up-token' } })],
  ['GET /people', ({ query }) => page([person], query)],
  [
    'GET /roles',
    () => ({
      body: [
        { id: 'operator', name: '值班员', name_en: 'Duty operator' },
        { id: 'clerk', name: '承办人', name_en: 'Clerk' },
      ],
    }),
  ],
  ['GET /calendar', ({ query }) => ({ body: calendar(Number(query.get('year'))) })],
  [
    'GET /packs',
    ({ query }) =>
      page(
        [
          {
            id: 'air',
            version: '0.1.0',
            title: '空气质量',
            title_en: 'Air',
            requires: ['xian'],
            serves: ['000-T05'],
            applied_at: ago(4000),
          },
        ],
        query,
      ),
  ],
  [
    'GET /health/ready',
    () => ({
      body: { ok: true, engines: ['postgres', 'nats', 'lake'].map((name) => ({ name, ok: true, milliseconds: 1.4, problem: '' })) },
    }),
  ],
]

export function answer(request: MockRequest): Answer {
  if (!request.signedIn && !request.path.startsWith('/session')) return problem(401, '请先登录', '登录后再试。')
  for (const [pattern, handler] of routes) {
    const [method, path] = pattern.split(' ') as [string, string]
    const match = new RegExp(`^${path.replace(/:\w+/g, '([^/]+)')}$`).exec(request.path)
    if (method !== request.method || !match) continue
    const found = handler(request, decodeURIComponent(match[1] ?? ''))
    return found.status || found.body !== undefined ? found : problem(404, '没有这一条', '回到清单重新选择。')
  }
  return request.method === 'GET' ? problem(404, `没有 ${request.path}`, '虚构城市没有这条路。') : { status: 204 }
}
