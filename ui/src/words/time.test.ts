import { describe, expect, it } from 'vitest'

import { ago, duration, utc } from './time'

describe('durations', () => {
  it.each([
    [0, '0 s'], [0.25, '0.3 s'], [9.9, '9.9 s'], [9.96, '10 s'], [59.6, '1 min'], [252, '4 min 12 s'], [7500, '2 h 5 min'], [7205, '2 h'], [90_000, '1 d 1 h'], [-3, '0 s'], [NaN, '–'],
  ])('%s seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text))
})

it('tells how long ago in whole minutes', () => {
  const now = new Date('2026-03-01T12:00:00Z')
  expect(ago(new Date('2026-03-01T11:57:40Z'), now)).toBe('2 min ago')
  expect(ago(new Date('2026-03-01T12:05:00Z'), now)).toBe('in 5 min')
  expect(ago(now, now)).toBe('now')
})

it('writes UTC without parts of seconds', () => expect(utc(new Date('2026-03-01T11:02:07.123Z'))).toBe('2026-03-01 11:02:07 UTC'))
