/** Small plane geometry on GeoJSON, enough to frame a city and to place a name. */
import type { FeatureCollection, MultiPolygon, Point, Polygon, Position } from 'geojson'

export type Box = [west: number, south: number, east: number, north: number]

function rings(geometry: Polygon | MultiPolygon): Position[][] {
  return geometry.type === 'Polygon' ? geometry.coordinates.slice(0, 1) : geometry.coordinates.map((polygon) => polygon[0] ?? [])
}

/** The box around everything, or undefined when there is nothing. */
export function boxOf(collection: FeatureCollection<Polygon | MultiPolygon | Point>): Box | undefined {
  const points = collection.features.flatMap(({ geometry }) =>
    geometry.type === 'Point' ? [geometry.coordinates] : rings(geometry).flat(),
  )
  if (!points.length) return undefined
  const [xs, ys] = [points.map((p) => p[0]!), points.map((p) => p[1]!)]
  const least = (values: number[]) => values.reduce((a, b) => Math.min(a, b))
  const most = (values: number[]) => values.reduce((a, b) => Math.max(a, b))
  return [least(xs), least(ys), most(xs), most(ys)]
}

function areaAndCentre(ring: Position[]): { area: number; centre: [number, number] } {
  let [twice, x, y] = [0, 0, 0]
  ring.forEach((a, i) => {
    const b = ring[(i + 1) % ring.length]!
    const cross = a[0]! * b[1]! - b[0]! * a[1]!
    twice += cross
    x += (a[0]! + b[0]!) * cross
    y += (a[1]! + b[1]!) * cross
  })
  if (twice === 0) return { area: 0, centre: [ring[0]?.[0] ?? 0, ring[0]?.[1] ?? 0] }
  return { area: Math.abs(twice / 2), centre: [x / (3 * twice), y / (3 * twice)] }
}

/** The largest outer ring with its area in square degrees: how big a district is, and where its name goes. */
export function largestPart(geometry: Polygon | MultiPolygon): { area: number; ring: Position[] } {
  return rings(geometry)
    .map((ring) => ({ area: areaAndCentre(ring).area, ring }))
    .reduce((best, next) => (next.area > best.area ? next : best))
}

function within(ring: Position[], [x, y]: [number, number]): boolean {
  let inside = false
  ring.forEach((a, i) => {
    const b = ring[(i + 1) % ring.length]!
    if (a[1]! > y !== b[1]! > y && x < ((b[0]! - a[0]!) * (y - a[1]!)) / (b[1]! - a[1]!) + a[0]!) inside = !inside
  })
  return inside
}

const GRID = 24
const MOST_VERTICES = 240
/** A name is much wider than high: distance beside it counts for less. */
const FLAT = 0.35

function distance([px, py]: Position, a: Position, b: Position): number {
  const [ax, ay, dx, dy] = [a[0]! * FLAT, a[1]!, (b[0]! - a[0]!) * FLAT, b[1]! - a[1]!]
  const along = dx || dy ? ((px! * FLAT - ax) * dx + (py! - ay) * dy) / (dx * dx + dy * dy) : 0
  const t = Math.min(1, Math.max(0, along))
  return Math.hypot(px! * FLAT - ax - t * dx, py! - ay - t * dy)
}

/** Where a district's name stands clear: inside the ring, far from its border and from the points drawn there. */
export function nameplace(ring: Position[], points: Position[]): [number, number] {
  const step = Math.ceil(ring.length / MOST_VERTICES)
  const border = ring.filter((_, i) => i % step === 0)
  const { centre } = areaAndCentre(border)
  const [west, south, east, north] = boxOf({
    type: 'FeatureCollection',
    features: [{ type: 'Feature', properties: {}, geometry: { type: 'Polygon', coordinates: [border] } }],
  })!
  const near = points.filter(([x, y]) => x! >= west && x! <= east && y! >= south && y! <= north)
  const room = (at: Position) =>
    Math.min(...border.map((a, i) => distance(at, a, border[(i + 1) % border.length]!)), ...near.map((p) => 0.7 * distance(at, p, p)))
  let best: [number, number] = centre
  let most = -Infinity
  for (let i = 1; i < GRID; i++) {
    for (let j = 1; j < GRID; j++) {
      const at: [number, number] = [west + ((east - west) * i) / GRID, south + ((north - south) * j) / GRID]
      if (!within(border, at)) continue
      const score = room(at) - 0.12 * distance(at, centre, centre)
      if (score > most) [best, most] = [at, score]
    }
  }
  return best
}

/** The district whose outer ring holds the point. */
export function areaAt<P>(cells: FeatureCollection<Polygon | MultiPolygon, P>, place: [number, number]): P | undefined {
  return cells.features.find((cell) => rings(cell.geometry).some((ring) => within(ring, place)))?.properties
}
