import { memo, useMemo } from 'react'

import type { Distribution } from '../api/course'
import { DataTable } from '../parts/DataTable'
import { Explain } from '../parts/Explain'
import { boundText, quantileText } from '../words/effect'
import { count, number, percent, span, times } from '../words/number'
import classes from './charts.module.css'
import { along, bars, cumulative, filled, logTicks, nines, type Bar } from './distribution'
import { Numbers } from './Numbers'
import { Arm } from './Readout'

const wide = 420
const left = 48
const top = 10
const curves = 190
const foot = 24
const columns = 90

/** Both arms' distributions: the share at most this slow, with room for the tail, and how many of each. */
export const Latency = memo(function Latency({ distribution: d, title }: { distribution: Distribution; title: string }) {
  const drawn = useMemo(() => drawing(d), [d])
  const words = quantileText(d)
  if (!drawn) return null
  const { from, to, most } = drawn
  const x = (v: number) => left + along(v, from, to) * (wide - left)
  const y = (share: number) => top + curves - (nines(share, most) / most) * curves
  const label = `Distributions of ${title}. ${words}`
  return (
    <figure className={classes.figureBox}>
      <figcaption className={classes.caption}>{title}: share at most this {d.unit === 's' ? 'slow' : 'large'} <Explain what="tail" /></figcaption>
      <div className={classes.readout}><Arm arm="baseline">baseline</Arm><Arm arm="candidate">candidate</Arm></div>
      <svg className={classes.svg} viewBox={`0 0 ${wide} ${top + curves + foot}`} role="img" aria-label={label}>
        {levels(most).map((share) => (
          <g key={share}>
            <line x1={left} x2={wide} y1={y(share)} y2={y(share)} className={classes.gridline} />
            <text x={left - 6} y={y(share) + 4} textAnchor="end">{percent(share)}</text>
          </g>
        ))}
        <Axis ticks={drawn.ticks} x={x} y={top + curves} unit={d.unit} />
        <path className={classes.curveBaseline} d={curve(d.bounds, drawn.baseline, x, y, [from, to])} />
        <path className={classes.curveCandidate} d={curve(d.bounds, drawn.candidate, x, y, [from, to])} />
      </svg>
      <svg className={classes.svg} viewBox={`0 0 ${wide} ${columns + foot}`} role="img" aria-label={`How many ${title} values fall where, both arms`}>
        {drawn.bars[0].map((b, i) => <Column key={i} bar={b} x={x} most={drawn.highest} look={classes.barBaseline} />)}
        {drawn.bars[1].map((b, i) => <Column key={i} bar={b} x={x} most={drawn.highest} look={classes.barCandidate} />)}
        <Axis ticks={drawn.ticks} x={x} y={columns} unit={d.unit} />
      </svg>
      {words && <p className={classes.note}>{words}</p>}
      <Quantiles distribution={d} />
      <Numbers>{() => <Buckets distribution={d} />}</Numbers>
    </figure>
  )
})

function drawing(d: Distribution) {
  const [first, end] = filled(d)
  const all: [Bar[], Bar[]] = [bars(d.bounds, d.baseline, [first, end]), bars(d.bounds, d.candidate, [first, end])]
  const edges = all.flat().filter((b) => b.from > 0)
  if (edges.length === 0) return undefined
  const from = Math.min(...edges.map((b) => b.from))
  const to = Math.max(...edges.map((b) => b.to))
  const n = Math.max(...[d.baseline, d.candidate].map((c) => c.reduce((a, b) => a + b, 0)))
  return {
    from, to, bars: all, ticks: logTicks(from, to), highest: Math.max(...all.flat().map((b) => b.share)), most: n >= 20_000 ? 4 : 3,
    baseline: cumulative(d.baseline), candidate: cumulative(d.candidate),
  }
}

function levels(most: number): number[] {
  return most > 3 ? [0.5, 0.9, 0.99, 0.999, 0.9999] : [0.5, 0.9, 0.99, 0.999]
}

function curve(bounds: number[], shares: number[], x: (v: number) => number, y: (s: number) => number, [from, to]: [number, number]): string {
  let out = ''
  for (const [i, share] of shares.entries()) {
    const b = bounds[i] ?? 0
    if (b < from * 0.999 || b <= 0) continue
    if (b > to * 1.001) break
    out += `${out === '' ? 'M' : 'L'}${x(b).toFixed(1)} ${y(share).toFixed(1)}`
    if (share >= 1) break // all are within
  }
  return out
}

function Axis({ ticks, x, y, unit }: { ticks: number[]; x: (v: number) => number; y: number; unit?: string }) {
  return (
    <>
      <line x1={left} x2={wide} y1={y} y2={y} className={classes.gridline} />
      {ticks.map((t) => <text key={t} x={x(t)} y={y + 16} textAnchor={x(t) > wide - 20 ? 'end' : 'middle'}>{boundText(t, unit)}</text>)}
    </>
  )
}

function Column({ bar, x, most, look }: { bar: Bar; x: (v: number) => number; most: number; look: string | undefined }) {
  const height = most > 0 ? (bar.share / most) * (columns - 6) : 0
  return <rect x={x(bar.from) + 0.5} width={Math.max(0, x(bar.to) - x(bar.from) - 1)} y={columns - height} height={height} className={look} />
}

/** Quantiles of both arms, and how they differ. */
function Quantiles({ distribution: d }: { distribution: Distribution }) {
  if (d.quantiles.length === 0) return null
  return (
    <DataTable
      caption="Quantiles" hideCaption id={(q) => q.quantile} rows={d.quantiles}
      columns={[
        { head: 'quantile', cell: (q) => (q.quantile === 0.5 ? 'median' : `p${number(100 * q.quantile)}`), as: 'whole', names: true },
        { head: 'baseline', cell: (q) => boundText(q.baseline, d.unit), as: 'number' },
        { head: 'candidate', cell: (q) => boundText(q.candidate, d.unit), as: 'number' },
        { head: 'times', cell: (q) => times(q.effect.ratio), as: 'number' },
        { head: '95 %', cell: (q) => span(q.effect.low, q.effect.high, times), as: 'number' },
      ]}
    />
  )
}

function Buckets({ distribution: d }: { distribution: Distribution }) {
  return (
    <DataTable
      caption="Values in each bucket" hideCaption id={(i) => i} rows={d.baseline.map((_, i) => i)}
      columns={[
        { head: 'at most', cell: (i) => (d.bounds[i] === undefined ? 'any' : boundText(d.bounds[i] ?? 0, d.unit)), as: 'number', names: true },
        { head: 'baseline', cell: (i) => count(d.baseline[i]), as: 'number' },
        { head: 'candidate', cell: (i) => count(d.candidate[i]), as: 'number' },
      ]}
    />
  )
}
