/** What the city answers under `/api/v1`. The one place to mend when the contract moves. Times are ISO 8601 in UTC. */
import type { FeatureCollection, Point, Polygon, MultiPolygon } from 'geojson'

export interface Page<T> {
  items: T[]
  next?: string | null
  total?: { count: number; exact: boolean } | null
}

/** RFC 9457 with our three additions: code, remedy and the list of errors by place. */
export interface ProblemBody {
  type?: string
  title: string
  status: number
  detail?: string
  code?: string
  remedy?: string
  errors?: FieldError[]
}
export interface FieldError {
  field?: string
  pointer?: string
  message: string
  remedy?: string
}

/** Anything with a Chinese name and, mostly, an English one. */
export interface Named {
  id: string
  name: string
  name_en?: string | null
}

export interface Session {
  city?: { name: string; name_en?: string | null; code: string } | null
  environment: string
  mode?: 'normal' | 'emergency' | null
  principal: Principal | null
}
export interface Principal {
  id: string
  username: string
  name: string
  organization: { id: string | null; code?: string; name: string | null }
  roles: string[]
  permissions: string[]
  clearance: number
  must_change_password: boolean
}

export interface Organization extends Named {
  code: string
  short_name?: string | null
  kind: string
  parent_id: string | null
  path: string
  area_code?: string | null
  former_names?: string[]
  resources?: number
}

export interface JsonSchema {
  type?: string | string[]
  title?: string
  title_en?: string
  description?: string
  format?: string
  enum?: (string | number | null)[]
  enum_names?: string[]
  enum_names_en?: string[]
  default?: unknown
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  properties?: Record<string, JsonSchema>
  required?: string[]
}

export interface Kind extends Named {
  schema: JsonSchema
  life_cycle: { initial: string; states: Named[]; transitions: { from: string; to: string; name: string; name_en?: string }[] }
  properties: Property[]
  icon?: string | null
}
export interface Property extends Named {
  unit: string
  decimals?: number | null
  range?: [number, number] | null
}

export interface Resource {
  id: string
  kind: string
  code: string
  name: string
  owner: { id: string; code: string; name: string }
  area_code: string | null
  area_name: string | null
  longitude: number | null
  latitude: number | null
  classification: number
  life_cycle: string
  updated_at: string
  version: number
}
export interface ResourceDetail extends Resource {
  attributes: Record<string, unknown>
  address: string | null
  tags: string[]
  links: { id: string; relation: string; resource?: { id: string; code: string; name: string } | null }[]
  created_at: string
}
export interface ResourceDraft {
  kind: string
  code: string
  name: string
  owner_id: string
  area_code?: string | null
  address?: string | null
  longitude?: number | null
  latitude?: number | null
  classification: number
  attributes: Record<string, unknown>
}
export type Facets = Record<string, { value: string; count: number }[]>
export interface HistoryEntry {
  time: string
  actor: { name: string; organization?: string | null } | null
  action: string
  changes?: Record<string, unknown> | null
}
export interface DeviceCredential {
  device: string
  password: string
}

export interface ImportPreview {
  id: string
  file_name: string
  state?: string
  encoding: string | null
  sheet: string | null
  columns: { header: string; field: string | null }[]
  rows_ok: number
  rows_bad: number
  rows: Record<string, unknown>[]
  errors: { row: number; column: string | null; code: string; message: string; remedy: string }[]
}

export interface Latest {
  resource_id: string
  property: string
  time: string
  value: number | null
  quality: number
  received: string
  state?: StationState
}
export interface Series {
  property: string
  unit: string
  points: [string, number | null][]
  window: string | null
  thresholds: { rule: string; value: number; label: string }[]
}
export interface Rejection {
  id?: string
  time: string
  source: string
  device: string | null
  reason: string
  raw: string
}

export type Priority = 'urgent' | 'high' | 'normal' | 'low'
export type AlarmState = 'active' | 'acknowledged' | 'cleared'
export interface Alarm {
  id: string
  rule: { id: string; name: string }
  resource: { id: string; code: string; name: string }
  property?: string | null
  area_code: string | null
  area_name?: string | null
  priority: Priority | number
  state: AlarmState
  value: number | null
  unit?: string | null
  raised_at: string
  acknowledged_at: string | null
  cleared_at: string | null
  message: string
  case_id: string | null
  longitude: number | null
  latitude: number | null
}

export interface CaseType extends Named {
  states: (Named & { terminal: boolean })[]
  actions: (Named & { from: string | string[]; to: string; form: JsonSchema | null })[]
  intake_form: JsonSchema | null
}
export interface CaseQueue extends Named {
  count: number
}
export interface CaseItem {
  id: string
  number: string
  type: string
  title: string
  state: Named
  priority: Priority | number
  owner: { id: string; name: string } | null
  area_code: string | null
  area_name: string | null
  longitude: number | null
  latitude: number | null
  due_at: string | null
  remaining_seconds: number | null
  opened_at: string
  updated_at: string
  last_step: string | { name: string; time: string } | null
}
export interface CaseDetail extends CaseItem {
  version: number
  data: Record<string, unknown>
  timeline: CaseStep[]
  available_actions: CaseAction[]
  clocks: CaseClockState[]
  alarm: Alarm | null
  resource: { id: string; code: string; name: string } | null
}
export interface CaseStep {
  time: string
  action: string
  name: string
  actor: { name: string; organization: string | null } | null
  comment: string | null
  from: string | null
  to: string
}
export interface CaseAction extends Named {
  form: JsonSchema | null
  primary: boolean
  to?: string
}
export interface CaseClockState extends Named {
  due_at: string | null
  state: string
  remaining_seconds: number | null
}

export type TargetState = 'ok' | 'warn' | 'alarm' | 'none'
export interface IndicatorItem extends Named {
  value: number | null
  unit: string
  decimals?: number | null
  target: { comparator: string; value: number } | null
  state: TargetState
  trend: (number | null)[]
  computed_at: string | null
  period: string
}
export interface IndicatorDetail extends IndicatorItem {
  description: string
  sql: string
  tables: { name: string; kind: string; rows: number | null }[]
  numerator: number | null
  denominator: number | null
  history: { time: string; value: number | null }[]
  serves: string[]
  pack: string
}
export interface IndicatorRows {
  columns: { id: string; name: string }[]
  items: (Record<string, unknown> & { _link?: string | null })[]
  next?: string | null
}

export interface Figure extends Named {
  value: number | null
  unit: string
  note: string | null
  note_state: TargetState | 'high' | 'late' | 'info' | null
  trend: (number | null)[]
  link: string
}
export interface Situation {
  figures: Figure[]
  as_of: string
}
export type StationState = 'ok' | 'good' | 'warn' | 'high' | 'alarm' | 'offline'
export interface StationProperties {
  id: string
  name: string
  kind: string
  state: StationState
  value: number | null
  property: string | null
  unit?: string | null
  simulated?: boolean
}
export interface MarkProperties {
  id: string
  name?: string
  title?: string
  state?: string
  priority?: Priority | number
}
export interface CityMapData {
  cells: FeatureCollection<Polygon | MultiPolygon, { area_code: string; name: string }>
  schematic: boolean
  approval: string | null
  layers: (Named & { count: number; kind: string })[]
  stations: FeatureCollection<Point, StationProperties>
  alarms: FeatureCollection<Point, MarkProperties>
  cases: FeatureCollection<Point, MarkProperties>
}

export interface AuditItem {
  index: number
  time: string
  actor: { name: string; organization: string | null } | null
  action: string
  target: { type: string; id: string } | null
  outcome: string
}
export interface AuditDetail extends AuditItem {
  entry: unknown
  leaf_hash: string
  proof: string[]
  checkpoint: string
}

export interface ApiToken {
  id: string
  name: string
  scopes: string[]
  created_at: string
  expires_at: string | null
  last_used_at: string | null
  token?: string
}
export interface Person {
  id: string
  username: string
  name: string
  organization: { id: string; code?: string; name: string }
  roles: string[]
  clearance: number
  active: boolean
  locked_until?: string | null
}
export interface Role extends Named {
  description?: string | null
  permissions: string[]
}
export interface CalendarDay {
  date: string
  working: boolean
  note: string | null
  source?: string | null
}
export interface PackItem {
  id: string
  version: string
  title: string
  title_en?: string | null
  requires: string[]
  serves: string[]
  applied_at: string | null
}
export interface EngineHealth {
  name: string
  ok: boolean
  detail?: string | null
}
export interface Ready {
  ok?: boolean
  status?: string
  engines?: EngineHealth[]
  checks?: Record<string, { ok: boolean; detail?: string | null } | string | boolean>
}
