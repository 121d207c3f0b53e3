import { expect, test } from 'vitest'

import { day, text } from './search'

test('a parameter of the address is a text, whatever it looks like', () => {
  expect(text('checkout')).toBe('checkout')
  expect(text(7)).toBe('7')
  expect(text(true)).toBe('true')
  expect(text('')).toBeUndefined()
  expect(text({ a: 1 })).toBeUndefined()
  expect(text(['a'])).toBeUndefined()
  expect(text('x'.repeat(10_000))).toHaveLength(200)
})

test('a day that the calendar does not have is none', () => {
  expect(day('2026-02-28')).toBe('2026-02-28')
  expect(day('2026-02-30')).toBeUndefined()
  expect(day('9999-99-99')).toBeUndefined()
  expect(day('today')).toBeUndefined()
})
