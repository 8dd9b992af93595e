/** MapLibre behind one small face: fill it, frame it, ask what is under the pointer. */
import { Map as MapLibre, Popup, setWorkerUrl, type GeoJSONSource, type MapGeoJSONFeature, type PointLike } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'
import type { Feature, FeatureCollection, MultiPolygon, Point, Polygon } from 'geojson'
import { language, named } from '@/messages'
import { boxOf, largestPart, nameplace } from './geometry'
import { caseImage, cityStyle, EMPTY, LAYERS_OF, nameImage, POINTABLE, type SourceId } from './style'

setWorkerUrl(workerUrl)

export type MapHit = { layer: 'stations' | 'cases' | 'alarms'; properties: Record<string, unknown>; at: [number, number] }
export type MapContents = Partial<Record<SourceId, FeatureCollection>>
const PADDING = { top: 24, right: 24, bottom: 44, left: 24 }
const PLACE_ZOOM = 9
const REACH = 6

type Districts = FeatureCollection<Polygon | MultiPolygon, { area_code: string; name: string; name_en?: string | null }>
/** English names carry their kind; on a map that is seen to be of districts it only takes room. */
const shortName = (name: string) => name.replace(/ (District|County)$/, '')
/** One point a district for its name; where two would touch, the larger district keeps its own. */
function namesOf(cells: Districts, stations: FeatureCollection): FeatureCollection<Point> {
  const points = stations.features.map((station) => (station.geometry as Point).coordinates)
  const features = cells.features.map(({ geometry, properties }): Feature<Point> => {
    const { area, ring } = largestPart(geometry)
    return {
      type: 'Feature',
      properties: { name: shortName(named(properties)), image: `name ${language.value} ${properties.area_code}`, order: -area },
      geometry: { type: 'Point', coordinates: nameplace(ring, points) },
    }
  })
  return { type: 'FeatureCollection', features }
}

export class CityMapView {
  private readonly map: MapLibre
  private readonly popup = new Popup({ closeButton: false, closeOnClick: false, offset: 12, maxWidth: '280px' })
  private contents: MapContents = {}
  private hidden = new Set<string>()
  private moved = false
  private named = ''

  constructor(container: HTMLElement, options: { wheel: boolean; label: string }) {
    this.map = new MapLibre({
      container,
      style: cityStyle(),
      center: [108.94, 34.27],
      zoom: 8,
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      fadeDuration: 0,
      scrollZoom: options.wheel,
      locale: { 'Map.Title': options.label },
    })
    this.map.touchZoomRotate.disableRotation()
    this.map.on('movestart', (event) => (this.moved ||= Boolean(event.originalEvent)))
    this.map.on('resize', () => this.moved || this.frame(false))
    this.map.on('style.load', () => this.refill())
    this.map.on('idle', () => (container.dataset.idle = 'true'))
  }

  /** Shows what is given; sources that are not named stay as they are. */
  fill(contents: MapContents): void {
    const before = this.subject()
    const renamed = contents.cells && (contents.cells !== this.contents.cells || language.value !== this.named)
    this.contents = { ...this.contents, ...contents }
    if (renamed) {
      this.named = language.value
      this.contents.names = namesOf(contents.cells as Districts, this.contents.stations ?? EMPTY)
    }
    if (this.map.getSource('cells')) this.refill()
    if (!this.moved && this.subject() !== before) this.frame(false)
  }

  /** What the map is about: one place, or the city; changes only when the view should follow. */
  private subject(): string {
    const place = this.contents.place?.features[0] as Feature<Point> | undefined
    if (place) return place.geometry.coordinates.join()
    return this.contents.cells?.features.length ? 'city' : ''
  }

  private refill(): void {
    this.addImage('case', caseImage)
    for (const { properties } of this.contents.names?.features ?? [])
      this.addImage(String(properties?.image), () => nameImage(String(properties?.name)))
    for (const [id, data] of Object.entries(this.contents)) this.map.getSource<GeoJSONSource>(id)?.setData(data)
    for (const id of this.hidden) this.show(id, false)
  }

  private addImage(id: string, draw: typeof caseImage): void {
    if (this.map.hasImage(id)) return
    const { image, pixelRatio } = draw()
    this.map.addImage(id, image, { pixelRatio })
  }

  /** Back to the whole city, or to the one place that is shown. */
  frame(animate = true): void {
    const place = this.contents.place?.features[0] as Feature<Point> | undefined
    const duration = animate ? 150 : 0
    if (place) {
      this.map.easeTo({ center: place.geometry.coordinates as [number, number], zoom: PLACE_ZOOM, duration })
      return
    }
    const shapes = [this.contents.cells, this.contents.stations].find((c) => c?.features.length)
    const box = shapes && boxOf(shapes as FeatureCollection<Polygon | Point>)
    if (box) this.map.fitBounds(box, { padding: PADDING, duration })
    this.moved = false
  }

  zoom(by: number): void {
    this.moved = true
    this.map.zoomTo(this.map.getZoom() + by, { duration: 150 })
  }

  show(id: string, visible: boolean): void {
    if (visible) this.hidden.delete(id)
    else this.hidden.add(id)
    for (const layer of LAYERS_OF[id] ?? []) this.map.setLayoutProperty(layer, 'visibility', visible ? 'visible' : 'none')
    this.map.setFilter('stations', ['!', ['in', ['get', 'layer'], ['literal', [...this.hidden]]]])
  }

  /** Draws again with the colours of the theme that is now set. */
  retheme(): void {
    for (const id of this.map.listImages()) this.map.removeImage(id)
    this.map.setStyle(cityStyle(), { diff: false })
  }

  onPoint(hover: (hit: MapHit | undefined) => void, press: (hit: MapHit | undefined, at: [number, number]) => void): void {
    this.map.on('mousemove', ({ point }) => {
      const hit = this.under(point)
      this.map.getCanvas().style.cursor = hit ? 'pointer' : ''
      hover(hit)
    })
    this.map.on('mouseout', () => hover(undefined))
    this.map.on('click', ({ point, lngLat }) => {
      this.moved = true
      press(this.under(point), [lngLat.lng, lngLat.lat])
    })
  }

  private under({ x, y }: { x: number; y: number }): MapHit | undefined {
    const box: [PointLike, PointLike] = [
      [x - REACH, y - REACH],
      [x + REACH, y + REACH],
    ]
    const layers = POINTABLE.filter((id) => this.map.getLayer(id))
    const feature: MapGeoJSONFeature | undefined = this.map.queryRenderedFeatures(box, { layers })[0]
    if (!feature || feature.geometry.type !== 'Point') return undefined
    return {
      layer: feature.layer.id as MapHit['layer'],
      properties: feature.properties,
      at: feature.geometry.coordinates as [number, number],
    }
  }

  openPopup(at: [number, number], content: HTMLElement): void {
    this.popup.setLngLat(at).setDOMContent(content).addTo(this.map)
  }
  closePopup(): void {
    this.popup.remove()
  }

  remove(): void {
    this.map.remove()
  }
}
