/** How the city is drawn: colours from the token file, five layers, no glyphs and no tiles. */
import type { ExpressionSpecification, LayerSpecification, StyleSpecification } from 'maplibre-gl'
import type { FeatureCollection } from 'geojson'

export const SOURCES = ['cells', 'names', 'stations', 'cases', 'alarms', 'place'] as const
export type SourceId = (typeof SOURCES)[number]
/** Layers that a person can point at, topmost first. */
export const POINTABLE = ['alarms', 'cases', 'stations']
export const EMPTY: FeatureCollection = { type: 'FeatureCollection', features: [] }

const STATES = ['ok', 'good', 'warn', 'high', 'alarm'] as const

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

export function cityStyle(): StyleSpecification {
  const source = { type: 'geojson' as const, data: EMPTY }
  return {
    version: 8,
    sources: Object.fromEntries(SOURCES.map((id) => [id, id === 'cells' ? source : { ...source, promoteId: 'id' }])),
    layers: cityLayers(),
  }
}

function cityLayers(): LayerSpecification[] {
  const stateColour = [
    'match',
    ['get', 'state'],
    ...STATES.flatMap((s) => [s, token(s)]),
    token('off'),
  ] as unknown as ExpressionSpecification
  const severity = ['match', ['get', 'state'], ...STATES.flatMap((s, i) => [s, i]), -1] as unknown as ExpressionSpecification
  const byZoom = (small: number, large: number): ExpressionSpecification => ['interpolate', ['linear'], ['zoom'], 7, small, 13, large]
  const ring = (id: string, radius: number, opacity: number): LayerSpecification => ({
    id,
    type: 'circle',
    source: 'alarms',
    paint: {
      'circle-radius': radius,
      'circle-opacity': 0,
      'circle-stroke-width': 1.6,
      'circle-stroke-color': token('alarm'),
      'circle-stroke-opacity': opacity,
    },
  })
  return [
    { id: 'ground', type: 'background', paint: { 'background-color': token('map-ground') } },
    { id: 'cells', type: 'fill', source: 'cells', paint: { 'fill-color': token('map-cell') } },
    {
      id: 'cell-lines',
      type: 'line',
      source: 'cells',
      layout: { 'line-join': 'round' },
      paint: { 'line-color': token('map-cell-line'), 'line-width': 1.2 },
    },
    {
      id: 'names',
      type: 'symbol',
      source: 'names',
      layout: { 'icon-image': ['get', 'image'], 'symbol-sort-key': ['get', 'order'], 'icon-padding': 1 },
    },
    {
      id: 'stations',
      type: 'circle',
      source: 'stations',
      layout: { 'circle-sort-key': severity },
      paint: {
        'circle-radius': byZoom(3.2, 9),
        'circle-color': stateColour,
        'circle-stroke-width': 1,
        'circle-stroke-color': token('map-cell'),
      },
    },
    {
      id: 'cases',
      type: 'symbol',
      source: 'cases',
      // Beside the station it is about, so that both are seen; a name that would lie below gives way.
      layout: { 'icon-image': 'case', 'icon-offset': [-9, -8], 'icon-allow-overlap': true, 'icon-padding': 0 },
    },
    ring('alarm-far', 17, 0.55),
    ring('alarm-near', 11, 0.95),
    { id: 'alarms', type: 'circle', source: 'alarms', paint: { 'circle-radius': 5, 'circle-color': token('alarm') } },
    {
      id: 'place',
      type: 'circle',
      source: 'place',
      paint: { 'circle-radius': 8, 'circle-color': token('accent'), 'circle-stroke-width': 3, 'circle-stroke-color': token('panel') },
    },
  ]
}

/** Which drawn layers the switches of alarms and cases show or hide; any other switch filters the stations. */
export const LAYERS_OF: Record<string, string[]> = {
  cases: ['cases'],
  alarms: ['alarms', 'alarm-near', 'alarm-far'],
}

const RATIO = 2
type Drawn = { image: ImageData; pixelRatio: number }

function draw(width: number, height: number, paint: (pen: CanvasRenderingContext2D) => void): Drawn {
  const canvas = document.createElement('canvas')
  canvas.width = width * RATIO
  canvas.height = height * RATIO
  const pen = canvas.getContext('2d')!
  pen.scale(RATIO, RATIO)
  paint(pen)
  return { image: pen.getImageData(0, 0, canvas.width, canvas.height), pixelRatio: RATIO }
}

/** A diamond, so that cases differ from stations by shape and not by colour alone. */
export function caseImage(): Drawn {
  return draw(16, 16, (pen) => {
    pen.translate(8, 8)
    pen.rotate(Math.PI / 4)
    pen.fillStyle = token('accent')
    pen.strokeStyle = token('map-cell')
    pen.lineWidth = 1.5
    pen.fillRect(-4.5, -4.5, 9, 9)
    pen.strokeRect(-4.5, -4.5, 9, 9)
  })
}

const NAME_PX = 14
/** A district's name as a picture: the map has no font server, and needs none. */
export function nameImage(name: string): Drawn {
  const font = `${NAME_PX}px ${token('font')}`
  const measure = document.createElement('canvas').getContext('2d')!
  measure.font = font
  return draw(Math.ceil(measure.measureText(name).width) + 6, NAME_PX + 8, (pen) => {
    pen.font = font
    pen.textBaseline = 'middle'
    pen.lineJoin = 'round'
    pen.lineWidth = 3
    pen.strokeStyle = token('map-cell')
    pen.fillStyle = token('quiet')
    pen.strokeText(name, 3, NAME_PX / 2 + 4)
    pen.fillText(name, 3, NAME_PX / 2 + 4)
  })
}
