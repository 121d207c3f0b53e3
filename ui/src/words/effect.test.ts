import { describe, expect, it } from 'vitest'

import { aspect, effectText, hiddenText, intervalText, keyOf, quantileText, toleranceText, toleratedRatio, valueText, whereText } from './effect'

const plain = (s: string) => s.replaceAll(/[\u00a0\u202f]/g, ' ')
const errors = { metric: 'errors', segment: '', kind: 'ratio', against: 'baseline', verdict: 'wait', worse: 'higher' }

describe('an effect in words', () => {
  it.each([
    ['ratio', '5.9× as many'], ['count', '5.9× as often'], ['gauge', '5.9× as much'],
  ])('%s: %s', (kind, text) => expect(effectText({ ...errors, kind }, { ratio: 5.9, low: 3.4, high: 9.8 })).toBe(text))
  it('of a histogram says how many lie beyond a bound, or how large values are', () => {
    const size = { ratio: 5.9, low: null, high: null }
    expect(effectText({ ...errors, kind: 'histogram', bound: 0.25 }, size)).toBe('5.9× as many')
    expect(effectText({ ...errors, kind: 'histogram' }, size)).toBe('5.9× as much')
  })
  it('says worse where less is worse', () => expect(effectText({ ...errors, worse: 'lower' }, { ratio: 1.2, low: null, high: null })).toBe('1.2× worse'))
  it('says nothing of what is not known', () => expect(effectText(errors, { ratio: null, low: null, high: null })).toBe('–'))
  it.each([
    [3.4, 9.8, 'at least 3.4×, at most 9.8×'], [3.4, null, 'at least 3.4×'], [0.8, 1.6, 'between 0.80× and 1.6×'], [0.5, null, 'from 0.50×, no upper bound yet'],
    [null, 3, 'at most 3.0×'], [null, null, 'no interval yet'], [0.4, 0.8, 'better: 0.40× to 0.80×'],
  ])('from %s to %s is "%s"', (low, high, text) => expect(intervalText({ ratio: 1, low, high })).toBe(text))
})

describe('what could still hide', () => {
  it('is of any size without an upper bound', () => expect(hiddenText(errors, { ratio: 1, low: 0.5, high: null }, 2)).toBe('harm of any size could still hide; 2.0× must be ruled out'))
  it('is up to the upper bound', () => expect(hiddenText(errors, { ratio: 1, low: 0.5, high: 3.2 }, 2)).toBe('up to 3.2× could still hide; 2.0× must be ruled out'))
  it('is ruled out by a pass', () => expect(hiddenText({ ...errors, verdict: 'pass' }, { ratio: 1, low: 0.5, high: 1.4 }, 2)).toBe('harm above 1.4× is ruled out'))
  it('is nothing where harm is found, or nothing is compared', () => {
    expect(hiddenText({ ...errors, verdict: 'fail' }, { ratio: 6, low: 3, high: 9 }, 2)).toBe('')
    expect(hiddenText({ ...errors, against: 'weight' }, { ratio: 1, low: 0.5, high: null }, 2)).toBe('')
  })
})

describe('quantiles in words', () => {
  const q = (quantile: number, baseline: number, candidate: number, low: number | null, high: number | null) => ({ quantile, baseline, candidate, effect: { ratio: candidate / baseline, low, high } })
  it('tell a tail that moves alone', () => {
    expect(plain(quantileText({ unit: 's', quantiles: [q(0.5, 0.02, 0.02, 0.9, 1.1), q(0.99, 0.148, 0.504, 2.1, 4.4)] })))
      .toBe('P99 is slower: p99 went from 148 ms to 504 ms; the median cannot be told apart.')
  })
  it('call only what takes time slow', () => expect(plain(quantileText({ quantiles: [q(0.99, 1000, 5000, 4, 6)] }))).toBe('P99 is worse: p99 went from 1 000 to 5 000.'))
  it('tell that nothing moved', () => expect(quantileText({ quantiles: [q(0.5, 1, 1, null, null)] })).toBe('No quantile can be told apart: the median.'))
  it('tell nothing of nothing', () => expect(quantileText({ quantiles: [] })).toBe(''))
})

describe('what is tolerated', () => {
  const t = { kind: 'ratio', worse: 'higher', against: 'baseline', tolerance: 0.05 } as const
  it('is a ratio of the baseline', () => expect(toleratedRatio(t)).toBe(1.05))
  it('is turned where less is worse', () => expect(toleratedRatio({ ...t, kind: 'count', worse: 'lower', tolerance: 0.5 })).toBe(2))
  it('is nothing against a limit, or where it is no one ratio', () => {
    expect([{ against: 'limit' as const }, { tolerance_absolute: 0.01 }, { worse: 'lower' as const }, { tolerance: 0 }].map((o) => toleratedRatio({ ...t, ...o }))).toEqual([undefined, undefined, undefined, undefined])
  })
  it('is told with its unit', () => {
    expect(plain(toleranceText(t))).toBe('5 %')
    expect(plain(toleranceText({ ...t, tolerance_absolute: 0.005 }))).toBe('5 %, or +0.5 points, whichever is more')
  })
})

describe('names', () => {
  it('say where and against what', () => {
    expect([whereText(''), whereText('region=ap')]).toEqual(['all traffic', 'in region ap'])
    expect(plain(aspect({ ...errors, kind: 'histogram', bound: 0.25, unit: 's' }))).toBe('above 250 ms')
    expect(aspect({ ...errors, against: 'limit' })).toBe('against its limit')
    expect([keyOf(errors), keyOf({ ...errors, against: 'limit' })]).toEqual(['errors', 'errors (limit)'])
  })
  it('write values in the words of their kind', () => {
    expect(['ratio', 'count', 'gauge'].map((kind) => plain(valueText({ kind }, 0.0243)))).toEqual(['2.4 %', '0.024', '0.024'])
    expect(plain(valueText({ kind: 'count', unit: '/s' }, 0.0243))).toBe('1.46/min')
    expect(plain(valueText({ kind: 'histogram', bound: 0.25, unit: 's' }, 0.0243))).toBe('2.4 %')
    expect(plain(valueText({ kind: 'histogram', unit: 's' }, 0.0243))).toBe('24.3 ms')
    expect(plain(valueText({ kind: 'gauge', unit: 'B' }, 2048))).toBe('2 KiB')
  })
})
