import { describe, expect, it } from 'vitest'

import { bytes, count, counted, inUnit, number, odds, percent, percentOf, points, rate, seconds, short, span, times } from './number'

// Spaces that keep a number in one piece are written as plain ones here.
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, ' ')
const reads = (write: (x: number | null | undefined) => string, cases: [number | null | undefined, string][]) =>
  it.each(cases)('%s is %s', (x, text) => expect(plain(write(x))).toBe(text))

describe('counts', () => {
  reads(count, [[0, '0'], [999, '999'], [1234, '1 234'], [12_331, '12 331'], [-1_234_567, '−1 234 567'], [null, '–'], [undefined, '–'], [NaN, '–'], [Infinity, '–']])
  it('agree with what they count', () => {
    expect(plain(counted(1, 'request'))).toBe('1 request')
    expect(plain(counted(2310, 'request'))).toBe('2 310 requests')
    expect(plain(counted(0, 'service'))).toBe('0 services')
    expect(plain(counted(2, 'reply', 'replies'))).toBe('2 replies')
  })
})

describe('short counts', () => {
  reads(short, [[0, '0'], [9999, '9 999'], [41_820, '41.8 k'], [999_499, '999 k'], [999_999, '1 M'], [2_310_000, '2.31 M'], [3e9, '3 G'], [null, '–']])
})

describe('numbers have three significant digits', () => {
  reads(number, [[0, '0'], [0.0423, '0.042'], [0.5, '0.5'], [1.314, '1.31'], [9.996, '10'], [12.54, '12.5'], [99.96, '100'], [4210.4, '4 210'], [-0.25, '−0.25'], [0.0000001, '1 × 10⁻⁷'], [2.54e12, '2.5 × 10¹²'], [Infinity, '∞'], [null, '–']])
})

describe('shares', () => {
  reads(percent, [[0, '0 %'], [0.0049, '0.49 %'], [0.063, '6.3 %'], [0.125, '12.5 %'], [0.5, '50 %'], [0.99946, '99.946 %'], [1, '100 %'], [1.5, '150 %'], [1e-9, '<0.0001 %'], [null, '–']])
})

describe('weights', () => {
  reads(percentOf, [[0.01, '0.01 %'], [1, '1 %'], [10, '10 %'], [33.333, '33.3 %'], [99.5, '99.5 %'], [100, '100 %']])
})

describe('differences of shares', () => {
  reads(points, [[0.0046, '+0.46 points'], [-0.02, '−2 points'], [0, '0 points'], [null, '–']])
})

describe('ratios', () => {
  reads(times, [[5.93, '5.9×'], [1, '1.0×'], [1.004, '1.0×'], [1.05, '1.05×'], [1.094, '1.09×'], [1.1, '1.1×'], [0.424, '0.42×'], [0.002, '<0.01×'], [0, '0.00×'], [9.97, '10×'], [120.4, '120×'], [1e7, 'over 10 000×'], [-1, '–'], [null, '–']])
})

describe('odds', () => {
  reads(odds, [[0, '0 to 1'], [1, '1 to 1'], [3.46, '3.5 to 1'], [120, '120 to 1'], [12_331, '12 331 to 1'], [1e9, 'over a million to 1'], [null, '–']])
})

describe('rates', () => {
  reads(rate, [[0, '0/s'], [1200, '1 200/s'], [0.3, '0.3/s'], [0.05, '3/min'], [0.0005, '1.8/h'], [null, '–']])
})

describe('short times', () => {
  reads(seconds, [[0, '0 s'], [0.0000425, '42.5 µs'], [0.0004, '400 µs'], [0.2124, '212 ms'], [0.9996, '1 s'], [1.5, '1.5 s'], [90, '90 s'], [null, '–']])
})

describe('memory', () => {
  reads(bytes, [[0, '0 B'], [512, '512 B'], [1023.9, '1 KiB'], [421_527_552, '402 MiB'], [1.5 * 1024 ** 3, '1.5 GiB'], [null, '–']])
})

it('writes a value in its unit', () => {
  expect(plain(inUnit(0.148, 's'))).toBe('148 ms')
  expect(plain(inUnit(0.31, 'cores'))).toBe('0.31 cores')
  expect(plain(inUnit(0.0041, '%'))).toBe('0.41 %')
  expect(plain(inUnit(3, ''))).toBe('3')
  expect(plain(inUnit(null, 'cores'))).toBe('–')
})

it('says what of an interval is known', () => {
  expect(span(3.4, 9.8, times)).toBe('3.4× to 9.8×')
  expect(span(3.4, null, times)).toBe('at least 3.4×')
  expect(span(null, 9.8, times)).toBe('at most 9.8×')
  expect(span(null, undefined, times)).toBe('–')
})
