import type { Comparison, Course, Side, Size, Standing, Track } from '../api/course'

import { counted, inUnit, none, number, percent, points, seconds, span, times } from './number'
import { capital } from './text'

/** What is needed to name and word a comparison, however it came. */
export type Compared = Pick<Standing, 'metric' | 'segment' | 'kind' | 'against' | 'unit' | 'bound'> & { worse?: string; tolerance?: number }

/** A bound of a histogram in its unit. */
export function boundText(bound: number, unit: string | undefined): string {
  return unit === 's' ? seconds(bound) : number(bound)
}

/** What a comparison is about, apart from its metric and segment: "above 250 ms", "limit", "against its past". */
export function aspect(c: Compared): string {
  const parts: string[] = []
  if (c.bound !== undefined && c.bound !== null) parts.push(`${c.worse === 'lower' ? 'at most' : 'above'} ${boundText(c.bound, c.unit)}`)
  if (c.against === 'limit') parts.push('against its limit')
  if (c.against === 'past') parts.push('against its own past')
  return parts.join(', ')
}

/** Where a comparison looks: "in region ap", "all traffic". */
export function whereText(segment: string): string {
  return segment === '' ? 'all traffic' : 'in ' + segmentText(segment)
}

/** A segment in words: "region=ap" is "region ap". */
export function segmentText(segment: string): string {
  return segment.replaceAll('=', ' ').replaceAll(',', ', ')
}

/** A metric as a heading. */
export function metricTitle(c: Pick<Compared, 'metric' | 'against'>): string {
  return capital(c.metric.replaceAll('_', ' ')) + (c.against === 'limit' ? ', limit' : c.against === 'past' ? ', past' : '')
}

/** What says of which sort a value is. */
type Valued = Pick<Compared, 'kind' | 'unit' | 'bound'>

/** Whether values are shares: of a histogram those beyond a bound are, and without one they are levels. */
const shares = (c: Valued) => c.kind === 'ratio' || (c.kind === 'histogram' && c.bound !== undefined && c.bound !== null)

/** One arm's value in the words of its kind: a share, a rate, a level. */
export function valueText(c: Valued, value: number | null | undefined): string {
  return shares(c) ? percent(value) : inUnit(value, c.unit)
}

/** What the samples of a kind are called. */
export function samplesText(kind: string, n: number): string {
  switch (kind) {
    case 'ratio': return counted(n, 'request')
    case 'histogram': return counted(n, 'value')
    case 'count': return counted(n, 'event')
  }
  return counted(n, 'point')
}

/** Events out of how many, where both are counted: "11 of 196". */
export function outOf(c: Valued, side: Pick<Side, 'n' | 'events'>): string {
  if (!shares(c)) return side.n > 0 ? samplesText(c.kind, side.n) : ''
  return side.n > 0 ? `${counted(side.events, '', '').trim()} of ${counted(side.n, '', '').trim()}` : ''
}

/** A side in full: its value, and of how many. */
export function sideText(c: Valued, side: Side): string {
  const of = outOf(c, side)
  return valueText(c, side.value) + (of && ` (${of})`)
}

/** How much worse, as one would say it: "5.9× as many". */
export function effectText(c: Compared, size: Size): string {
  if (size.ratio === null || size.ratio === undefined) return none
  if (c.against === 'weight') return `${times(size.ratio)} its share`
  if (c.worse === 'lower') return `${times(size.ratio)} worse`
  if (shares(c)) return `${times(size.ratio)} as many`
  return `${times(size.ratio)} as ${c.kind === 'count' ? 'often' : 'much'}`
}

/** Whether a comparison has an interval at all: what is held against its past, or the weight, has none. */
export function hasInterval(c: Pick<Compared, 'against'>): boolean {
  return c.against !== 'past' && c.against !== 'weight' && c.against !== 'budget'
}

/** What the interval says, as one would say it. */
export function intervalText(size: Size): string {
  const low = size.low ?? null
  const high = size.high ?? null
  if (low === null && high === null) return 'no interval yet'
  if (low !== null && low > 1) return high === null ? `at least ${times(low)}` : `at least ${times(low)}, at most ${times(high)}`
  if (high !== null && high < 1) return `better: ${span(low, high, times)}`
  if (high === null) return `from ${times(low)}, no upper bound yet`
  return low === null ? `at most ${times(high)}` : `between ${times(low)} and ${times(high)}`
}

/** What could still hide behind what was seen so far; nothing where harm is found. */
export function hiddenText(c: Compared & { verdict: string }, size: Size, exclude: number): string {
  if (c.verdict === 'fail' || c.against === 'weight' || c.against === 'past' || c.against === 'budget') return ''
  const goal = exclude > 1 ? `; ${times(exclude)} must be ruled out` : ''
  if (size.high === null || size.high === undefined) return c.verdict === 'pass' ? '' : `harm of any size could still hide${goal}`
  if (size.high <= 1) return 'no harm can hide'
  if (c.verdict === 'pass') return `harm above ${times(size.high)} is ruled out`
  return `up to ${times(size.high)} could still hide${goal}`
}

/** How quantiles differ, in one plain sentence; what stands still is said as well, since a tail can move alone. */
export function quantileText(d: { quantiles: Comparison['quantiles']; unit?: string }): string {
  const all = d.quantiles ?? []
  const moved = all.filter((q) => (q.effect.low ?? 0) > 1)
  const better = all.filter((q) => (q.effect.high ?? Infinity) < 1)
  const still = all.filter((q) => !moved.includes(q) && !better.includes(q))
  const name = (q: { quantile: number }) => (q.quantile === 0.5 ? 'the median' : `p${number(100 * q.quantile)}`)
  const list = (qs: typeof all) => qs.map(name).join(qs.length === 2 ? ' and ' : ', ')
  const [worse, fine] = d.unit === 's' ? ['slower', 'faster'] : ['worse', 'better']
  const parts: string[] = []
  const last = moved[moved.length - 1]
  if (last) parts.push(`${list(moved)} ${moved.length > 1 ? 'are' : 'is'} ${worse}: ${name(last)} went from ${boundText(last.baseline, d.unit)} to ${boundText(last.candidate, d.unit)}`)
  if (better.length > 0) parts.push(`${list(better)} ${better.length > 1 ? 'are' : 'is'} ${fine}`)
  if (still.length > 0) parts.push(moved.length + better.length > 0 ? `${list(still)} cannot be told apart` : `no quantile can be told apart: ${list(still)}`)
  return parts.length === 0 ? '' : capital(parts.join('; ')) + '.'
}

/** How much worse still is fine, relative and in the metric's own unit. */
export function toleranceText(t: Pick<Track, 'kind' | 'unit' | 'bound' | 'tolerance' | 'tolerance_absolute'>): string {
  if (!t.tolerance_absolute) return percent(t.tolerance)
  return `${percent(t.tolerance)}, or ${shares(t) ? points(t.tolerance_absolute) : inUnit(t.tolerance_absolute, t.unit)}, whichever is more`
}

/**
 * The ratio up to which worse is still fine. Undefined where nothing is tolerated,
 * or no one ratio says it.
 */
export function toleratedRatio(t: Pick<Track, 'kind' | 'worse' | 'against' | 'tolerance' | 'tolerance_absolute'>): number | undefined {
  if (t.against !== 'baseline' || t.tolerance <= 0 || t.tolerance_absolute) return undefined
  if (t.worse !== 'lower' || t.kind === 'histogram') return 1 + t.tolerance
  if (t.kind === 'ratio') return undefined // it depends on how many misses the baseline has
  return t.tolerance < 1 ? 1 / (1 - t.tolerance) : undefined
}

/** What sets a track apart from others of its release, for links and keys: its metric, and what it is held against where that is not the baseline. */
export function keyOf(c: Pick<Compared, 'metric' | 'against'>): string {
  return c.against === 'baseline' ? c.metric : `${c.metric} (${c.against})`
}

/** The track that a key means; the first one where it means none. */
export function trackOf(course: Course | undefined, key: string | undefined): Track | undefined {
  return course?.tracks.find((t) => keyOf(t) === key) ?? course?.tracks.find((t) => t.metric === key)
}
