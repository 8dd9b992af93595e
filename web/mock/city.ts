/** A made-up city for development: nothing here is measured, nothing of it goes into the build. */
import type { Alarm, CaseAction, CaseDetail, CityMapData, Kind, Organization, ResourceDetail, StationState } from '../src/api/types'

let seed = 20261120
/** Repeatable chance, so that screenshots can be compared. */
export function chance(): number {
  seed = (seed * 1664525 + 1013904223) % 2 ** 32
  return seed / 2 ** 32
}
export const pick = <T>(list: readonly T[]): T => list[Math.floor(chance() * list.length)]!
export const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString()

const DISTRICTS: [code: string, name: string, lon: number, lat: number][] = [
  ['610102', '新城', 108.99, 34.29],
  ['610103', '碑林', 108.95, 34.24],
  ['610104', '莲湖', 108.91, 34.28],
  ['610111', '灞桥', 109.09, 34.27],
  ['610112', '未央', 108.94, 34.35],
  ['610113', '雁塔', 108.93, 34.19],
  ['610114', '阎良', 109.23, 34.66],
  ['610115', '临潼', 109.25, 34.4],
  ['610116', '长安', 108.91, 34.08],
  ['610117', '高陵', 109.08, 34.53],
  ['610118', '鄠邑', 108.6, 34.1],
  ['610122', '蓝田', 109.32, 34.15],
  ['610124', '周至', 108.2, 34.13],
]
const OUTLINE: [number, number][] = [
  [107.75, 34.05],
  [107.9, 33.75],
  [108.6, 33.72],
  [109.1, 33.78],
  [109.7, 34.0],
  [109.75, 34.25],
  [109.55, 34.5],
  [109.45, 34.78],
  [109.1, 34.8],
  [108.85, 34.6],
  [108.4, 34.35],
  [107.8, 34.28],
]

/** The part of a polygon that is nearer to `own` than to `other`. */
function nearerPart(polygon: [number, number][], own: [number, number], other: [number, number]): [number, number][] {
  const side = ([x, y]: [number, number]) =>
    (x - (own[0] + other[0]) / 2) * (own[0] - other[0]) + (y - (own[1] + other[1]) / 2) * (own[1] - other[1])
  return polygon.flatMap((a, i) => {
    const b = polygon[(i + 1) % polygon.length]!
    const [u, v] = [side(a), side(b)]
    const crossing: [number, number][] = u * v < 0 ? [[a[0] + ((b[0] - a[0]) * u) / (u - v), a[1] + ((b[1] - a[1]) * u) / (u - v)]] : []
    return u >= 0 ? [a, ...crossing] : crossing
  })
}
const cells = DISTRICTS.map(([area_code, name, lon, lat]) => {
  const ring = DISTRICTS.filter((d) => d[0] !== area_code).reduce((polygon, d) => nearerPart(polygon, [lon, lat], [d[2], d[3]]), OUTLINE)
  return {
    type: 'Feature' as const,
    properties: { area_code, name },
    geometry: { type: 'Polygon' as const, coordinates: [[...ring, ring[0]!]] },
  }
})

const organization = (
  id: string,
  name: string,
  parent_id: string | null,
  resources: number,
  extra: Partial<Organization> = {},
): Organization => ({ id, code: id, name, kind: 'department', parent_id, path: '/', resources, ...extra })
export const organizations: Organization[] = [
  organization('610100', '示例市', null, 318, { name_en: 'Sample city', kind: 'city' }),
  organization('610100-hb', '市生态环境局', '610100', 225, { former_names: ['市环境保护局'], name_en: 'Ecology bureau' }),
  organization('610100-sj', '市数据局', '610100', 1, { former_names: ['市大数据资源管理局'], name_en: 'Data bureau' }),
  organization('610100-zj', '市住建局', '610100', 40, { name_en: 'Housing bureau' }),
  organization('610100-sw', '市水务局', '610100', 52, { name_en: 'Water bureau' }),
  ...DISTRICTS.flatMap(([code, name]) => [
    organization(code, `${name}区`, '610100', 0, { kind: 'district', area_code: code }),
    organization(`${code}-hb`, `${name}分局`, code, 0),
  ]),
]

export const kinds: Kind[] = [
  {
    id: 'air-station',
    name: '空气质量站',
    name_en: 'Air station',
    icon: null,
    schema: {
      type: 'object',
      required: ['level'],
      properties: {
        level: {
          type: 'string',
          title: '站点级别',
          title_en: 'Level',
          enum: ['national', 'provincial', 'city'],
          enum_names: ['国控', '省控', '市控'],
        },
        installed: { type: 'string', format: 'date', title: '安装日期', title_en: 'Installed' },
        inlet_height: { type: 'number', title: '采样口高度(m)', minimum: 0, maximum: 50 },
        maintainer: { type: 'string', format: 'organization', title: '运维单位' },
        indoor: { type: 'boolean', title: '室内' },
      },
    },
    life_cycle: {
      initial: 'planned',
      states: [
        { id: 'planned', name: '规划' },
        { id: 'in_use', name: '在用', name_en: 'in use' },
        { id: 'retired', name: '停用', name_en: 'retired' },
      ],
      transitions: [
        { from: 'planned', to: 'in_use', name: '投入使用' },
        { from: 'in_use', to: 'retired', name: '停用' },
      ],
    },
    properties: [
      { id: 'pm25', name: 'PM2.5', unit: 'µg/m³', decimals: 0, range: [0, 1000] },
      { id: 'pm10', name: 'PM10', unit: 'µg/m³', decimals: 0, range: [0, 1000] },
      { id: 'o3', name: 'O₃', unit: 'µg/m³', decimals: 0, range: [0, 800] },
      { id: 'no2', name: 'NO₂', unit: 'µg/m³', decimals: 0, range: [0, 800] },
      { id: 'aqi', name: 'AQI', unit: '', decimals: 0, range: [0, 500] },
    ],
  },
  {
    id: 'host',
    name: '政务云主机',
    name_en: 'Cloud host',
    icon: null,
    schema: { type: 'object', properties: {} },
    life_cycle: { initial: 'in_use', states: [{ id: 'in_use', name: '在用' }], transitions: [] },
    properties: [{ id: 'cpu', name: '处理器', unit: '%', decimals: 1, range: [0, 100] }],
  },
]

const STATES: StationState[] = ['ok', 'ok', 'ok', 'good', 'good', 'good', 'warn', 'warn', 'high', 'offline']
export const resources: ResourceDetail[] = Array.from({ length: 225 }, (_, i) => {
  const [area_code, area_name, lon, lat] = chance() < 0.55 ? pick(DISTRICTS.slice(0, 6)) : pick(DISTRICTS)
  const spread = DISTRICTS.findIndex((d) => d[0] === area_code) < 6 ? 0.07 : 0.2
  return {
    id: `r${i + 1}`,
    kind: 'air-station',
    code: `6101-AQ-${String(i + 1).padStart(4, '0')}`,
    name: `${area_name}${['小寨', '高新', '曲江', '纺织城', '草滩', '兴庆', '广运潭', '经开'][i % 8]}${i + 1}号站`,
    owner: { id: '610100-hb', code: '610100-hb', name: '市生态环境局' },
    area_code,
    area_name,
    longitude: lon + (chance() - 0.5) * spread * 2,
    latitude: lat + (chance() - 0.5) * spread,
    classification: 1,
    life_cycle: chance() < 0.95 ? 'in_use' : 'planned',
    updated_at: ago(i * 13),
    created_at: ago(500_000),
    version: 3,
    address: `${area_name}区示例路 ${i + 1} 号`,
    tags: ['simulated'],
    links: [],
    attributes: {
      level: pick(['national', 'provincial', 'city']),
      installed: '2021-06-01',
      inlet_height: 12,
      maintainer: '610100-hb',
      indoor: false,
    },
  }
})

export const stationState = new Map(resources.map((r) => [r.id, pick(STATES)]))
const TITLES = [
  'PM2.5 小时均值 186 µg/m³',
  '燃气调压箱压力异常',
  '井盖移位',
  '浐河桃园断面水位接近警戒',
  '数据质量:法人库缺少登记机关 312 行',
  '12345:小区夜间施工噪声(合并 4 件)',
  'O₃ 八小时均值超标',
  '路灯成片不亮',
]
const MINUTES = [12, -95, 40, 118, 440, 25, 700, 1500]
const CASE_STATES = [
  { id: 'registered', name: '待派遣', name_en: 'registered' },
  { id: 'handling', name: '处置中', name_en: 'handling' },
  { id: 'verifying', name: '待核查', name_en: 'verifying' },
  { id: 'accepted', name: '待立案', name_en: 'accepted' },
]
export const caseType = {
  id: 'air-exceedance',
  name: '空气质量超标',
  name_en: 'Air exceedance',
  states: [...CASE_STATES.map((s) => ({ ...s, terminal: false })), { id: 'closed', name: '已结案', name_en: 'closed', terminal: true }],
  actions: [
    { id: 'dispatch', name: '派遣', name_en: 'Dispatch', from: 'registered', to: 'handling', form: null },
    { id: 'close', name: '结案', name_en: 'Close', from: 'verifying', to: 'closed', form: null },
  ],
  intake_form: {
    type: 'object',
    required: ['cause'],
    properties: {
      cause: {
        type: 'string',
        title: '初步原因',
        title_en: 'Cause',
        enum: ['dust', 'burning', 'industry'],
        enum_names: ['扬尘', '露天焚烧', '工业排放'],
      },
      people: { type: 'integer', title: '受影响人数', minimum: 0 },
      detail: { type: 'string', title: '情况描述', maxLength: 500 },
    },
  },
}

export const alarms: Alarm[] = Array.from({ length: 23 }, (_, i) => {
  const r = resources[i * 7]!
  const state = i < 3 ? 'active' : i < 9 ? 'acknowledged' : 'cleared'
  return {
    id: `a${i + 1}`,
    rule: { id: 'pm25-heavy', name: 'PM2.5 重度污染持续 2 小时' },
    resource: { id: r.id, code: r.code, name: r.name },
    property: 'pm25',
    area_code: r.area_code,
    priority: i < 3 ? 'urgent' : 'high',
    state,
    value: 150 + i * 3,
    unit: 'µg/m³',
    raised_at: ago(30 + i * 50),
    acknowledged_at: state === 'active' ? null : ago(20 + i * 50),
    cleared_at: state === 'cleared' ? ago(i * 40) : null,
    message: `${r.name} PM2.5 小时均值 ${150 + i * 3} µg/m³,持续 2 小时`,
    case_id: `c${(i % 8) + 1}`,
    longitude: r.longitude,
    latitude: r.latitude,
  }
})

const SJ = { id: '610100-sj', name: '市数据局' }
const ACTIONS: CaseAction[] = [
  {
    id: 'dispatch',
    name: '派遣',
    name_en: 'Dispatch',
    to: 'handling',
    comment: 'optional',
    assigns: { id: '610113-hb', name: '雁塔分局' },
    primary: true,
    form: {
      type: 'object',
      required: ['organization'],
      properties: {
        organization: { type: 'string', format: 'organization', title: '派给', title_en: 'To' },
        urgent: { type: 'boolean', title: '需 2 小时内到场' },
      },
    },
  },
  { id: 'return', name: '退回', name_en: 'Return', to: 'accepted', comment: 'required', assigns: null, primary: false, form: null },
  {
    id: 'extend',
    name: '申请延期',
    name_en: 'Extend',
    to: 'registered',
    comment: 'optional',
    assigns: null,
    primary: false,
    form: {
      type: 'object',
      required: ['hours'],
      properties: { hours: { type: 'integer', title: '延长工作小时', minimum: 1, maximum: 40 } },
    },
  },
]
export const cases: CaseDetail[] = Array.from({ length: 46 }, (_, i) => {
  const r = resources[i * 4 + 1]!
  const remaining = (MINUTES[i % 8]! + Math.floor(i / 8) * 130) * 60
  return {
    id: `c${i + 1}`,
    number: `20261120-${String(i + 1).padStart(4, '0')}`,
    type: caseType.id,
    title: TITLES[i % 8]!,
    state: CASE_STATES[i % 4]!,
    priority: i === 0 ? 'urgent' : 'normal',
    type_name: '空气质量超标',
    type_name_en: 'Air exceedance',
    late: remaining < 0,
    closed_at: null,
    place: '示例路口',
    registrar: SJ,
    handler: null,
    owner: { id: '610100-zj', name: pick(['市住建局', '雁塔分局', '市水务局']) },
    who_next: { organization: SJ, actions: [{ id: 'dispatch', name: '派遣', name_en: 'Dispatch' }] },
    area_code: r.area_code,
    area_name: r.area_name,
    longitude: r.longitude,
    latitude: r.latitude,
    due_at: new Date(Date.now() + remaining * 1000).toISOString(),
    remaining_seconds: remaining,
    opened_at: ago(130),
    updated_at: ago(9),
    last_step: { name: '立案', name_en: 'Register', time: ago(96) },
    version: 2,
    data: { cause: 'dust', people: 1200, detail: '监测站周边有工地土方作业,未见喷淋。' },
    timeline: [
      {
        time: ago(130),
        action: 'open',
        name: '告警转事项',
        actor: { name: '系统', organization: null },
        owner: SJ,
        form: {},
        comment: '',
        from: null,
        to: 'accepted',
      },
      {
        time: ago(118),
        action: 'accept',
        name: '受理',
        actor: { name: '值班员甲', organization: '市数据局' },
        owner: SJ,
        form: {},
        comment: '已电话核实站点运行正常。',
        from: 'accepted',
        to: 'accepted',
      },
      {
        time: ago(96),
        action: 'register',
        name: '立案',
        actor: { name: '值班员甲', organization: '市数据局' },
        owner: SJ,
        form: {},
        comment: '',
        from: 'accepted',
        to: 'registered',
      },
    ],
    available_actions: ACTIONS,
    clocks: [
      {
        id: 'dispatch',
        name: '派遣时限',
        name_en: 'Dispatch',
        owner: SJ,
        stopped_at: null,
        estimated: false,
        due_at: ago(-12),
        state: 'running',
        remaining_seconds: remaining,
      },
      {
        id: 'close',
        name: '结案时限',
        name_en: 'Close',
        owner: SJ,
        stopped_at: null,
        estimated: true,
        due_at: ago(-2000),
        state: 'running',
        remaining_seconds: 58_000,
      },
    ],
    alarm:
      i % 2
        ? null
        : {
            id: 'a1',
            data: { message: `${r.name} PM2.5 小时均值 186 µg/m³,持续 2 小时`, property: 'pm25', value: 186, raised_at: ago(130) },
            cleared_at: null,
          },
    resource: { id: r.id, code: r.code, name: r.name, kind: r.kind },
  }
})

const point = (longitude: number | null, latitude: number | null) => ({
  type: 'Point' as const,
  coordinates: [longitude ?? 0, latitude ?? 0],
})
export function cityMap(): CityMapData {
  const active = alarms.filter((a) => a.state === 'active')
  return {
    cells: { type: 'FeatureCollection', features: cells },
    schematic: true,
    approval: null,
    layers: [
      { id: 'air-station', name: '空气质量站', name_en: 'Air stations', count: resources.length, kind: 'station' },
      { id: 'alarms', name: '活动告警', name_en: 'Active alarms', count: active.length, kind: 'alarm' },
      { id: 'cases', name: '在办事项', name_en: 'Open cases', count: 12, kind: 'case' },
    ],
    stations: {
      type: 'FeatureCollection',
      features: resources.map((r) => ({
        type: 'Feature',
        properties: {
          id: r.id,
          name: r.name,
          kind: r.kind,
          layer: 'air-station',
          state: active.some((a) => a.resource.id === r.id) ? 'alarm' : stationState.get(r.id)!,
          value: Math.round(20 + chance() * 90),
          property: 'pm25',
          simulated: true,
        },
        geometry: point(r.longitude, r.latitude),
      })),
    },
    alarms: {
      type: 'FeatureCollection',
      features: active.map((a) => ({
        type: 'Feature',
        properties: { id: a.id, name: a.message, case_id: a.case_id },
        geometry: point(a.longitude, a.latitude),
      })),
    },
    cases: {
      type: 'FeatureCollection',
      features: cases
        .slice(0, 12)
        .map((c) => ({ type: 'Feature', properties: { id: c.id, name: c.title }, geometry: point(c.longitude, c.latitude) })),
    },
  }
}
