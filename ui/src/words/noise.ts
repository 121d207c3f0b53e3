import { number, percent } from './number'

/** A level of a metric: shares as percentages, all else as it is. */
export function levelOf(kind: string, value: number | null | undefined): string {
  return kind === 'ratio' || kind === 'histogram' ? percent(value) : number(value)
}

/** A metric, and of a histogram beyond which value its level is the share. */
export function noiseName(m: { metric: string; bound?: number; worse: string }): string {
  if (m.bound === undefined) return m.metric
  return `${m.metric} ${m.worse === 'lower' ? '≤' : '>'} ${number(m.bound)}`
}
