import type { Column } from '../api/course'

/** The furthest that a chart of ratios reaches: beyond it nobody reads a difference. */
const furthest = 64

/**
 * The part of the axis of ratios that a funnel shows. An interval begins far wider
 * than it ends; what is shown holds where it ended, all estimates, and what they are
 * held against, and leaves the mouth of the funnel open.
 */
export function ratioRange(ratio: Column, low: Column, high: Column, rules: number[]): [number, number] {
  const ends = [last(low), last(high)]
  const known = [...ratio, ...ends, ...rules, 1].filter((x): x is number => x !== null && x > 0 && Number.isFinite(x))
  let bottom = Math.min(...known) / 1.25
  let top = Math.max(...known) * 1.25
  bottom = Math.min(Math.max(bottom, 1 / furthest), 1 / 1.5)
  top = Math.max(Math.min(top, furthest), 1.5)
  if (last(high) === null) top = Math.min(top * 2, furthest) // open above: leave room to show it
  return [bottom, top]
}

/** The last number of a column that is known. */
export function last(column: Column): number | null {
  for (let i = column.length - 1; i >= 0; i--) {
    const x = column[i]
    if (x !== null && x !== undefined) return x
  }
  return null
}

/** Both sides of a band for drawing: where only one is known, the other is as far as the chart reaches. */
export function closed(low: Column, high: Column, [bottom, top]: [number, number]): { low: Column; high: Column } {
  const out = { low: [...low], high: [...high] }
  low.forEach((l, i) => {
    const h = high[i] ?? null
    if (l === null && h !== null) out.low[i] = bottom / 2
    if (h === null && l !== null) out.high[i] = top * 2
  })
  return out
}

/** Ticks of an axis of ratios: powers of two, or steps of a tenth where little is shown. */
export function ratioTicks(bottom: number, top: number): number[] {
  const span = Math.log2(top / bottom)
  const candidates = span > 8 ? powers(4) : span > 2 ? powers(2) : [0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 1.75, 2, 2.5, 3, 4]
  return candidates.filter((x) => x >= bottom && x <= top)
}

function powers(base: number): number[] {
  const out = []
  for (let x = Math.pow(base, -6); x <= Math.pow(base, 6); x *= base) out.push(x)
  return out
}

/** What an axis of values shows: from zero where that is part of the matter, else with some room around. */
export function valueRange(columns: Column[], fromZero: boolean, rules: number[] = []): [number, number] {
  let bottom = Infinity
  let top = -Infinity
  for (const x of [...columns, rules].flat()) {
    if (x === null || x === undefined) continue
    if (x < bottom) bottom = x
    if (x > top) top = x
  }
  if (top < bottom) return [0, 1]
  if (fromZero && bottom >= 0) return [0, top > 0 ? 1.08 * top : 1]
  const room = (top - bottom || Math.abs(top) || 1) * 0.12
  return [bottom - room, top + room]
}

/** What an axis of evidence shows: nothing, enough, and as far as it went within reason. */
export function evidenceRange(columns: Column[]): [number, number] {
  const [bottom, top] = valueRange(columns, false)
  return [Math.max(-1, Math.min(0, bottom)), Math.min(3, Math.max(1.15, top))]
}

/** The index of the time that is nearest to an instant; times rise. */
export function nearest(time: number[], at: number): number {
  let low = 0
  let high = time.length - 1
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((time[middle] ?? 0) <= at) low = middle
    else high = middle
  }
  return at - (time[low] ?? 0) <= (time[high] ?? 0) - at ? low : high
}
