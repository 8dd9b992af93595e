/** ECharts, cut down to one line chart, loaded when the first chart is shown. */
import { LineChart } from 'echarts/charts'
import { DataZoomComponent, GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import { init, use, type ECharts } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import { exactNumber, timeText } from './format'
import type { Language } from '@/messages'

use([LineChart, DataZoomComponent, GridComponent, MarkAreaComponent, MarkLineComponent, TooltipComponent, CanvasRenderer])

export interface ChartContents {
  name: string
  unit: string
  decimals?: number | null
  points: [string, number | null][]
  thresholds: { value: number; label: string }[]
  gap: string
  language: Language
}

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()

export function startChart(element: HTMLElement): ECharts {
  return init(element, undefined, { renderer: 'canvas' })
}

/** Missing values stay gaps: the line is never joined over them. */
export function drawChart(chart: ECharts, contents: ChartContents): void {
  const { name, unit, decimals, points, thresholds, gap, language } = contents
  const [quiet, line, accent, alarm] = [token('quiet'), token('line'), token('accent'), token('alarm-ink')]
  const valueOf = (value: unknown) => (typeof value === 'number' ? `${exactNumber(value, decimals)} ${unit}` : gap)
  const known = points.filter(([, v]) => v !== null).length
  const highest = Math.max(...thresholds.map((t) => t.value), ...points.map(([, v]) => v ?? -Infinity))
  chart.setOption(
    {
      animation: false,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
      grid: { left: 8, right: 16, top: 6, bottom: 8, outerBoundsMode: 'same' },
      tooltip: {
        trigger: 'axis',
        confine: true,
        backgroundColor: token('panel'),
        borderColor: line,
        textStyle: { color: token('text') },
        axisPointer: { lineStyle: { color: quiet } },
        formatter: (items: { value: [string, number | null] }[]) => {
          const [time, value] = items[0]!.value
          return `${timeText(time, language)}<br><b>${valueOf(value)}</b>`
        },
      },
      dataZoom: [{ type: 'inside', zoomOnMouseWheel: 'ctrl' }],
      xAxis: {
        type: 'time',
        minInterval: MINUTE_MS,
        axisLine: { lineStyle: { color: line } },
        axisLabel: { color: quiet, hideOverlap: true, formatter: (value: number) => axisTime(value, points, language) },
        splitLine: { show: false },
      },
      yAxis: {
        type: 'value',
        name: unit,
        scale: true,
        minInterval: decimals === 0 ? 1 : undefined,
        max: Number.isFinite(highest) ? (range: { max: number }) => (highest > range.max ? Math.ceil(highest * 1.05) : null) : null,
        nameTextStyle: { color: quiet, align: 'left' },
        axisLabel: { color: quiet },
        splitLine: { lineStyle: { color: line } },
      },
      series: [
        {
          type: 'line',
          name,
          data: points,
          connectNulls: false,
          showSymbol: known < 60,
          symbolSize: 4,
          lineStyle: { width: 1.8, color: accent },
          itemStyle: { color: accent },
          sampling: 'lttb',
          markLine: {
            silent: true,
            symbol: 'none',
            data: thresholds.map(({ value, label }) => ({
              yAxis: value,
              lineStyle: { color: alarm, type: 'dashed' },
              label: { formatter: `${label} ${value}`, color: alarm, position: 'insideEndTop' },
            })),
          },
        },
      ],
    },
    true,
  )
}

function axisTime(value: number, points: [string, number | null][], language: Language): string {
  const span = points.length ? Date.parse(points.at(-1)![0]) - Date.parse(points[0]![0]) : 0
  const iso = new Date(value).toISOString()
  const clock = timeText(iso, language, 'clock')
  if (span <= 1.5 * DAY_MS && clock !== '00:00') return clock
  return timeText(iso, language, 'day')
}
