import uPlot from 'uplot'

import type { Column } from '../api/course'
import { clock } from '../words/time'
import { labels, type Line } from './marks'
import { faint, type Palette } from './palette'
import { ratioTicks } from './scale'

/** A line of a chart. */
export type Trace = {
  values: Column
  colour: keyof Palette
  width?: number
  dash?: number[]
  /** Fills between this line and the next one. */
  band?: boolean
  /** Draws steps instead of slopes, for what holds until it is known again. */
  steps?: boolean
}

/** A level across a chart: a tolerance, a threshold. */
export type Rule = { at: number; text: string; colour: keyof Palette; dash: number[] }

/** A chart over time, without its data's history: what Plot draws. */
export type Picture = {
  time: number[]
  traces: Trace[]
  y: { range: [number, number]; log?: boolean; write: (value: number) => string }
  rules?: Rule[]
  /** A faint stretch of the axis behind everything. */
  zone?: { from: number; to: number }
  lines: Line[]
  /** Whether the words of lines stand in this chart. */
  worded?: boolean
  /** All charts of a page show the same stretch of time. */
  from: number
  to: number
}

/** What of a picture a chart is made for; the rest is drawn anew as it changes. */
export function made(p: Picture): string {
  return JSON.stringify([p.traces.map((t) => [t.colour, t.width, t.dash, t.band, t.steps]), !!p.y.log])
}

/** How wide the axis of values is, in pixels: the same in all charts, so that instants stand below each other. */
export const gutter = 62

/** What the options ask of a picture is asked of the present one. */
type Now = () => { picture: Picture; palette: Palette; range: [number, number] }

/** The options of a chart. They are made once; everything that changes is asked for when it is drawn. */
export function options(now: Now, width: number, height: number, hooks: uPlot.Hooks.Arrays): uPlot.Options {
  const { traces, y } = now().picture
  const ink = () => now().palette.quiet
  const grid = { stroke: () => now().palette.line, width: 1 }
  const font = '12px system-ui, sans-serif'
  return {
    width, height, ms: 1, legend: { show: false }, padding: [8, 10, 0, 0],
    cursor: { y: false, drag: { x: true, y: false, setScale: false }, points: { size: (_, i) => (now().picture.traces[i - 1]?.width === 0 ? 0 : 7) }, bind: { dblclick: () => null } },
    scales: {
      x: { time: true, range: () => now().range },
      y: { distr: y.log ? 3 : 1, log: 2, range: () => now().picture.y.range },
    },
    axes: [
      { stroke: ink, font, grid: { show: false }, ticks: { show: false }, size: 26, space: 90, values: (_, at) => instants(at) },
      {
        stroke: ink, font, grid, ticks: { show: false }, size: gutter, space: 34, gap: 6,
        ...(y.log ? { splits: (u: uPlot) => ratioTicks(u.scales.y?.min ?? 0.5, u.scales.y?.max ?? 2), filter: (_: uPlot, s: number[]) => s } : {}),
        values: (_, at) => at.map((v) => now().picture.y.write(v)),
      },
    ],
    series: [{}, ...traces.map((t) => series(t, now))],
    bands: traces.flatMap((t, i) => (t.band ? [{ series: [i + 1, i + 2] as [number, number], fill: () => faint(now().palette[t.colour], 0.18) }] : [])),
    hooks: { ...hooks, drawClear: [(u) => behind(u, now())], draw: [(u) => above(u, now())] },
  }
}

function series(t: Trace, now: Now): uPlot.Series {
  const path = t.steps && uPlot.paths.stepped ? uPlot.paths.stepped({ align: -1 }) : undefined
  return {
    stroke: () => now().palette[t.colour], width: t.width ?? 2, dash: t.dash, spanGaps: false, points: { show: t.width === 0 ? false : lonely, size: 4 },
    ...(path ? { paths: path } : {}),
  }
}

/** Points are drawn only where lines have nothing to go between. */
function lonely(u: uPlot, index: number): boolean {
  const known = (u.data[index] as Column | undefined)?.filter((v) => v !== null).length ?? 0
  return known > 0 && known < 3
}

/** Instants on an axis, to the minute, or to the second where they are close; the day where it changes. */
function instants(at: number[]): string[] {
  const close = at.length > 1 && (at[1] ?? 0) - (at[0] ?? 0) < 60_000
  return at.map((ms, i) => {
    const day = i > 0 && new Date(ms).getDate() !== new Date(at[i - 1] ?? ms).getDate()
    if (day) return new Date(ms).toLocaleDateString(undefined, { day: 'numeric', month: 'short' })
    return clock(new Date(ms), new Date(ms)).slice(0, close ? 8 : 5)
  })
}

/** What lies behind lines: what is usual, stretches of marks, and levels. */
function behind(u: uPlot, { picture, palette }: ReturnType<Now>) {
  const { ctx, bbox } = u
  const clipped = inside(u)
  const zone = picture.zone
  if (zone) {
    const [top, bottom] = [u.valToPos(zone.to, 'y', true), u.valToPos(zone.from, 'y', true)]
    ctx.fillStyle = faint(palette.baseline, 0.16)
    ctx.fillRect(bbox.left, top, bbox.width, Math.max(1, bottom - top))
  }
  for (const l of picture.lines) {
    if (l.until === undefined) continue
    const [from, to] = [u.valToPos(l.time, 'x', true), u.valToPos(l.until, 'x', true)]
    ctx.fillStyle = faint(palette.quiet, 0.14)
    ctx.fillRect(from, bbox.top, to - from, bbox.height)
  }
  clipped()
}

/** What lies above lines: levels with their words, and what happened. */
function above(u: uPlot, { picture, palette }: ReturnType<Now>) {
  const { ctx, bbox } = u
  const px = uPlot.pxRatio
  const clipped = inside(u)
  ctx.font = `${11 * px}px system-ui, sans-serif`
  ctx.textAlign = 'left'
  ctx.textBaseline = 'alphabetic'
  for (const r of picture.rules ?? []) {
    const y = Math.round(u.valToPos(r.at, 'y', true))
    stroke(ctx, palette[r.colour], px, r.dash, [bbox.left, y], [bbox.left + bbox.width, y])
    if (r.text === '') continue
    const width = ctx.measureText(r.text).width
    const over = y - bbox.top > 15 * px // close to the upper edge its words stand below it
    halo(ctx, palette, r.text, bbox.left + bbox.width - width - 4 * px, over ? y - 4 * px : y + 12 * px, palette[r.colour])
  }
  for (const l of picture.lines) {
    const x = Math.round(u.valToPos(l.time, 'x', true))
    stroke(ctx, l.kind === 'verdict' ? palette.ink : palette.quiet, px, l.kind === 'verdict' ? [] : [2, 3], [x, bbox.top], [x, bbox.top + bbox.height])
  }
  if (picture.worded) {
    const to = (t: number) => u.valToPos(t, 'x', true)
    for (const w of labels(picture.lines, to, [bbox.left, bbox.left + bbox.width], (t) => ctx.measureText(t).width)) {
      const x = w.left ? w.x - ctx.measureText(w.text).width - 4 * px : w.x + 4 * px
      halo(ctx, palette, w.text, x, bbox.top + 11 * px, w.kind === 'verdict' ? palette.ink : palette.quiet)
    }
  }
  clipped()
}

function inside(u: uPlot): () => void {
  const { ctx, bbox } = u
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  return () => ctx.restore()
}

function stroke(ctx: CanvasRenderingContext2D, colour: string, px: number, dash: number[], from: [number, number], to: [number, number]) {
  ctx.strokeStyle = colour
  ctx.lineWidth = px
  ctx.setLineDash(dash.map((d) => d * px))
  ctx.beginPath()
  ctx.moveTo(...from)
  ctx.lineTo(...to)
  ctx.stroke()
  ctx.setLineDash([])
}

/** Words that can be read over lines. */
function halo(ctx: CanvasRenderingContext2D, palette: Palette, text: string, x: number, y: number, colour: string) {
  ctx.lineWidth = 3 * uPlot.pxRatio
  ctx.strokeStyle = palette.card
  ctx.strokeText(text, x, y)
  ctx.fillStyle = colour
  ctx.fillText(text, x, y)
}
