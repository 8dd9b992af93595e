/** A small trend line as an SVG path; a missing value breaks the line. */
export function sparkPath(values: (number | null)[], width: number, height: number): string {
  const known = values.filter((v): v is number => v !== null)
  if (known.length < 2) return ''
  const [low, high] = [Math.min(...known), Math.max(...known)]
  const margin = 2
  const y = (v: number) => (high === low ? height / 2 : margin + ((high - v) / (high - low)) * (height - 2 * margin))
  const step = width / (values.length - 1)
  let pen = 'M'
  return values
    .map((v, i) => {
      if (v === null) {
        pen = 'M'
        return ''
      }
      const point = `${pen}${(i * step).toFixed(1)} ${y(v).toFixed(1)}`
      pen = 'L'
      return point
    })
    .join('')
}
