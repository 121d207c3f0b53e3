import type { Size, Standing } from '../api/course'
import { along } from './distribution'

/** How far apart the ends of a forest plot are at least and at most. */
const least = 2
const most = 64

/** The axis of a forest plot, the same on both sides of 1: it holds each estimate and, as far as that is reasonable, each interval. */
export function forestRange(sizes: Size[]): [number, number] {
  let reach = least
  for (const s of sizes) {
    for (const x of [s.ratio, s.low, s.high]) {
      if (x !== null && x !== undefined && x > 0) reach = Math.max(reach, x, 1 / x)
    }
  }
  reach = Math.min(most, reach * 1.15)
  return [1 / reach, reach]
}

/** A row of a forest plot in percent of its width. Open says on which sides the interval goes on. */
export type Place = { point: number | null; from: number; to: number; openLow: boolean; openHigh: boolean }

/** Where an effect stands on the axis. */
export function place(size: Size, [from, to]: [number, number]): Place {
  const at = (x: number) => 100 * Math.min(1, Math.max(0, along(x, from, to)))
  const low = size.low ?? null
  const high = size.high ?? null
  return {
    point: size.ratio ? at(size.ratio) : null,
    from: low === null ? 0 : at(low),
    to: high === null ? 100 : at(high),
    openLow: low === null || low < from,
    openHigh: high === null || high > to,
  }
}

/** Segments of one comparison, by dimension ("region" of "region=ap"), the worst first in each. */
export function dimensions(standing: Standing[], metric: string, against: string): { name: string; rows: Standing[] }[] {
  const out = new Map<string, Standing[]>()
  for (const s of standing) {
    if (s.metric !== metric || s.against !== against || s.segment === '') continue
    const name = s.segment.split('=')[0] ?? s.segment
    out.set(name, [...(out.get(name) ?? []), s])
  }
  return [...out].map(([name, rows]) => ({ name, rows: rows.sort(worst) }))
}

/** Puts the worst first: what fails, then what has come furthest, then the larger effect. */
export function worst(a: Standing, b: Standing): number {
  return rank(a) - rank(b) || (b.evidence ?? -9) - (a.evidence ?? -9) || (b.effect.ratio ?? 0) - (a.effect.ratio ?? 0)
}

function rank(s: Standing): number {
  return s.verdict === 'fail' ? (s.severity === 'warning' ? 1 : 0) : 2
}
