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

/** The largest outer ring's area (in square degrees) and centroid: how big a district is, and where its name goes. */
export function largestPart(geometry: Polygon | MultiPolygon): { area: number; centre: [number, number] } {
  return rings(geometry)
    .map(areaAndCentre)
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

/** The district whose outer ring holds the point. */
export function areaAt<P>(cells: FeatureCollection<Polygon | MultiPolygon, P>, place: [number, number]): P | undefined {
  return cells.features.find((cell) => rings(cell.geometry).some((ring) => within(ring, place)))?.properties
}
