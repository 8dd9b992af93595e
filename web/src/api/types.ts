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
  /** JSON pointer into the body, or a column. */
  pointer: string
  code: string
  message: string
  row?: number
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
  description?: string
  code_pattern?: string
  code_example?: string
  schema: JsonSchema
  life_cycle: {
    initial: string
    states: (Named & { final?: boolean })[]
    transitions: { from: string; to: string; name: string; name_en?: string }[]
  }
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
  address: string
  tags: string[]
  links: { id: string; relation: string; direction: 'in' | 'out'; resource: ResourceRef }[]
  created_at: string
}
export interface ResourceRef {
  id: string
  kind?: string
  code: string
  name: string
}
export interface ResourceDraft {
  kind: string
  code: string
  name: string
  owner_id: string
  area_code?: string | null
  address: string
  longitude?: number | null
  latitude?: number | null
  classification: number
  attributes: Record<string, unknown>
}
export type Facets = Record<string, { value: string; count: number }[]>
export interface HistoryEntry {
  version: number
  time: string
  actor: Actor
  action: string
  /** Field -> value before and after. */
  changes: Record<string, [before: unknown, after: unknown]>
}
export interface Actor {
  name: string
  organization: string | null
}
export interface DeviceCredential {
  device: string
  password: string
}

export interface ImportPreview {
  id: string
  file_name: string
  kind: string
  state: string
  encoding: string | null
  sheet: string | null
  sheets: string[]
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
  thresholds: { rule: string; value: number; label: string; label_en?: string }[]
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
  rule: Named
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
  message_en?: string
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
  type_name: string
  type_name_en?: string
  title: string
  state: Named
  priority: Priority | number
  owner: OrganizationRef
  area_code: string | null
  area_name: string | null
  longitude: number | null
  latitude: number | null
  due_at: string | null
  remaining_seconds: number | null
  late: boolean
  opened_at: string
  updated_at: string
  closed_at: string | null
  last_step: { name: string; name_en?: string; time: string } | null
}
export interface OrganizationRef {
  id: string
  name: string
}
export interface CaseDetail extends CaseItem {
  version: number
  place: string
  data: Record<string, unknown>
  registrar: OrganizationRef
  handler: OrganizationRef | null
  timeline: CaseStep[]
  available_actions: CaseAction[]
  clocks: CaseClockState[]
  alarm: CaseAlarm | null
  resource: ResourceRef | null
  /** Who is waited for, and for which actions; null when nobody is. */
  who_next: { organization: OrganizationRef; actions: Named[] } | null
}
/** The alarm that opened the case, with the data of its event. */
export interface CaseAlarm {
  id: string
  data: { message?: string; message_en?: string; rule_id?: string; property?: string; value?: number | null; raised_at?: string } & Record<
    string,
    unknown
  >
  cleared_at: string | null
}
/** A step of the timeline; a note changes nothing, its `from` and `to` are null. */
export interface CaseStep {
  time: string
  action: string
  name: string
  name_en?: string
  actor: Actor
  owner: OrganizationRef
  comment: string
  form: Record<string, unknown>
  from: string | null
  to: string | null
}
export interface CaseAction extends Named {
  form: JsonSchema | null
  primary: boolean
  to: string
  comment: string
  /** Who will hold the case if the form names nobody else. */
  assigns: OrganizationRef | null
}
export interface CaseClockState extends Named {
  owner: OrganizationRef
  due_at: string
  stopped_at: string | null
  state: string
  remaining_seconds: number | null
  /** The due time lies beyond the announced working calendar. */
  estimated: boolean
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
  /** ISO 8601 duration. */
  period: string
  /** Why the last computation failed; the value is then older. */
  error: string | null
}
export interface IndicatorDetail extends IndicatorItem {
  description: string
  sql: string
  tables: { name: string; title: string; title_en: string; kind: string; rows: number | null }[]
  numerator: number | null
  denominator: number | null
  history: { time: string; value: number | null }[]
  serves: string[]
  pack: string
}
export interface RowLink {
  kind: 'case' | 'alarm' | 'resource' | 'organization'
  id: string
}
export interface IndicatorRows {
  columns: { id: string; name: string }[]
  items: (Record<string, unknown> & { _link?: RowLink | null })[]
  next?: string | null
}

export interface Figure extends Named {
  value: number | null
  unit: string
  decimals?: number | null
  /** The target in signs. */
  note: string | null
  note_state: TargetState | 'high' | 'late' | 'info' | null
  trend: (number | null)[]
  link: string
  computed_at: string | null
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
  layer: string
  state: StationState
  value: number | null
  property: string | null
  /** Milliseconds of the latest reading. */
  time?: number | null
  unit?: string | null
  simulated?: boolean
}
export interface MarkProperties {
  id: string
  name?: string
  state?: string
  priority?: Priority | number
  case_id?: string | null
  resource_id?: string
}
export interface CityMapData {
  cells: FeatureCollection<Polygon | MultiPolygon, { area_code: string; name: string; name_en?: string | null }>
  schematic: boolean
  approval: string | null
  layers: (Named & { count: number; kind: 'station' | 'alarm' | 'case' })[]
  stations: FeatureCollection<Point, StationProperties>
  alarms: FeatureCollection<Point, MarkProperties>
  cases: FeatureCollection<Point, MarkProperties>
}

export interface AuditItem {
  index: number
  time: string
  actor: Actor
  action: string
  target: { type: string; id: string }
  outcome: string
}
export interface AuditDetail extends AuditItem {
  entry: unknown
  /** Hashes are base64, as in the checkpoint. */
  leaf_hash: string
  proof: string[]
  checkpoint: string
}

export interface ApiToken {
  id: string
  name: string
  actions: string[]
  created_at: string
  expires_at: string | null
  last_used_at: string | null
}
/** What was made; the secret is shown this once. */
export interface Created {
  id: string
  /** Null for a service account: it works with tokens. */
  secret: string | null
}
export interface Person {
  id: string
  username: string
  name: string
  kind: 'person' | 'service'
  organization: { id: string; code?: string; name: string }
  grants: Grant[]
  clearance: number
  disabled: boolean
  locked_until: string | null
  version: number
}
/** A role holds at an organisation and everything below it. */
export interface Grant {
  role: string
  organization_id: string
}
export type Role = Named
/** `statutory`: what the announced calendar says; `own`: whether the city set the day itself. */
export interface CalendarDay {
  date: string
  working: boolean
  statutory: boolean
  own: boolean
  note: string
}
export interface CalendarYear {
  year: number
  /** After this day nothing is announced yet. */
  known_through: string
  items: CalendarDay[]
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
  milliseconds: number
  problem: string
}
export interface Ready {
  ok: boolean
  engines: EngineHealth[]
}
