import type { Distribution } from '../api/course'

/** The share of values at or below each bound; empty where there are none. */
export function cumulative(counts: number[]): number[] {
  const all = counts.reduce((a, b) => a + b, 0)
  if (all === 0) return []
  let sum = 0
  return counts.slice(0, -1).map((n) => (sum += n) / all)
}

/**
 * Where a share stands on the axis of a distribution: at 0 none, at 1 nine tenths,
 * at 2 all but one in a hundred. The tail, which is where latency goes wrong, gets as
 * much room as the rest.
 */
export function nines(share: number, most = 4): number {
  if (share >= 1) return most
  return Math.min(most, -Math.log10(1 - share))
}

/** The buckets that hold anything, by their indexes, with one more on either side. */
export function filled(d: Distribution): [number, number] {
  const some = (i: number) => (d.baseline[i] ?? 0) + (d.candidate[i] ?? 0) > 0
  let from = 0
  let to = d.bounds.length - 1
  while (from < to && !some(from)) from++
  while (to > from && !some(to) && !some(to + 1)) to--
  return [Math.max(0, from - 1), Math.min(d.bounds.length - 1, to + 1)]
}

/** A bucket's edges; the first one begins half a bucket's width (on the log axis) below its bound, the last is as wide as the one before. */
export function edges(bounds: number[], i: number): [number, number] {
  const of = (j: number): number => {
    const b = bounds[j]
    if (b !== undefined && b > 0) return b
    if (j < 0) return (bounds[0] ?? 1) / ((bounds[1] ?? 2) / (bounds[0] ?? 1) || 2)
    const end = bounds[bounds.length - 1] ?? 1
    return end * (end / (bounds[bounds.length - 2] ?? end / 2))
  }
  return [of(i - 1), of(i)]
}

/** One arm's bars: each bucket's share of all values, and its edges. */
export type Bar = { from: number; to: number; share: number }

/** The bars of one arm between two buckets; what lies beyond all bounds comes last. */
export function bars(bounds: number[], counts: number[], [first, end]: [number, number]): Bar[] {
  const all = counts.reduce((a, b) => a + b, 0)
  const out: Bar[] = []
  for (let i = first; i <= Math.min(end + 1, counts.length - 1); i++) {
    const [from, to] = edges(bounds, i)
    if (i > end && !counts[i]) continue
    out.push({ from, to, share: all > 0 ? (counts[i] ?? 0) / all : 0 })
  }
  return out
}

/** Round numbers for an axis of logarithms: 1, 2 and 5 of each power of ten, or the powers alone where there are many. */
export function logTicks(from: number, to: number): number[] {
  if (!(from > 0) || !(to > from)) return []
  const decades = Math.log10(to / from)
  const leads = decades > 2.5 ? [1] : decades > 1.2 ? [1, 3] : [1, 2, 5]
  const out: number[] = []
  for (let e = Math.floor(Math.log10(from)); e <= Math.ceil(Math.log10(to)); e++) {
    for (const lead of leads) {
      const x = lead * Math.pow(10, e)
      if (x >= from * 0.999 && x <= to * 1.001) out.push(Number(x.toPrecision(3)))
    }
  }
  return out
}

/** Where a number stands between two others on an axis of logarithms, from 0 to 1. */
export function along(x: number, from: number, to: number): number {
  return Math.log(x / from) / Math.log(to / from)
}
