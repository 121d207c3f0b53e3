import type { Schemas } from '../../api/client'
import { times } from '../../words/number'
import { drawn, height, reach } from '../../words/sight'
import { duration } from '../../words/time'
import css from './Sight.module.css'

const wide = 620
const high = 190
const edge = { left: 46, right: 150, top: 18, bottom: 22 }
const across = [1.02, 1.05, 1.1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100]

const x = (share: number) => edge.left + (wide - edge.left - edge.right) * Math.min(1, share)
const y = (share: number) => edge.top + (high - edge.top - edge.bottom) * share

/** The smallest harm that a step sees as time goes on, and when a harmless candidate passes. The table below it has the same in numbers. */
export function Sight({ step, n }: { step: Schemas['ForecastStep']; n: number }) {
  const most = Math.max(step.played_s, 1)
  const lines = drawn(step.metrics, most)
  if (lines.length === 0) return null
  const over = reach(step.metrics)
  const pass = step.pass.median_s
  const words = lines.map((l) => `${l.metric} sees ${times(l.end.effect)} after ${duration(l.end.time_s)}`).join('; ')
  return (
    <svg className={css.picture} viewBox={`0 0 ${wide} ${high}`} role="img" aria-label={`The smallest harm that step ${n} sees: ${words}.`}>
      {pass !== null && <rect className={css.passes} x={x(pass / most)} y={y(0)} width={Math.max(2, x((step.pass.p95_s ?? most) / most) - x(pass / most))} height={y(1) - y(0)} />}
      {across.filter((e) => e >= over[0] - 1e-9 && e <= over[1] + 1e-9).map((e) => (
        <g key={e}><line className={css.grid} x1={x(0)} x2={x(1)} y1={y(height(e, over))} y2={y(height(e, over))} /><text x={x(0) - 6} y={y(height(e, over)) + 4} textAnchor="end">{e}×</text></g>
      ))}
      <line className={css.least} x1={x(step.at_least_s / most)} x2={x(step.at_least_s / most)} y1={y(0)} y2={y(1)} />
      <text x={x(step.at_least_s / most)} y={edge.top - 6} textAnchor="middle">at least {duration(step.at_least_s)}</text>
      <text x={x(0)} y={high - 6}>0</text>
      <text x={x(1)} y={high - 6} textAnchor="end">{duration(most)}</text>
      {pass !== null && <text x={x(Math.min(0.7, pass / most)) + 4} y={y(1) - 4}>harmless passes</text>}
      {lines.map((l, i) => (
        <g key={l.metric}>
          <polyline className={`${css.line} ${css[`line${i % 3}`] ?? ''} ${css[`dash${i % 3}`] ?? ''}`} points={l.points.map(([a, b]) => `${x(a).toFixed(1)},${y(b).toFixed(1)}`).join(' ')} />
          <text className={css.name} x={x(1) + 8} y={apart(lines.map((o) => y(o.points.at(-1)![1])), i)}>{l.metric} {times(l.end.effect)}</text>
        </g>
      ))}
    </svg>
  )
}

/** Where a name stands so that it is on no other: at its line, or below those before it. */
function apart(at: readonly number[], i: number): number {
  const taken: number[] = []
  for (const here of at.slice(0, i + 1)) {
    let place = here + 4
    while (taken.some((t) => Math.abs(t - place) < 13)) place += 13
    taken.push(place)
  }
  return taken[i]!
}
