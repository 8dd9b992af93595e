/** Where readings are missing a chart must show a gap, also when the missing ones were never sent. */
export type Point = [time: string, value: number | null]

const PATIENCE = 2.5

/** Puts an empty point into every pause longer than 2.5 usual steps; the usual step is the median one. */
export function withGaps(points: Point[]): Point[] {
  const times = points.map(([time]) => Date.parse(time))
  const steps = times.slice(1).map((time, index) => time - times[index]!)
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0
  return points.flatMap((point, index) => {
    if (index === 0 || steps[index - 1]! <= usual * PATIENCE) return [point]
    return [[new Date(times[index - 1]! + usual).toISOString(), null] satisfies Point, point]
  })
}
