import { expect, it } from 'vitest'

import { faultText, offset } from './fault'

it('says where something is wrong, and what to do', () => {
  expect(faultText({ line: 3, column: 7, path: 'spec.steps', problem: 'expected a list', hint: 'write [ ]' })).toBe('Line 3, column 7: spec.steps: expected a list (write [ ])')
  expect(faultText({ location: 'query.limit', problem: 'at most 500' })).toBe('Query.limit: at most 500')
  expect(faultText({ problem: 'empty' })).toBe('empty')
})

it('finds a line and column as a text area counts them', () => {
  const text = 'one\n😀two\nthree'
  expect(offset(text, 1, 1)).toBe(0)
  expect(text.slice(offset(text, 2, 2))).toBe('two\nthree') // a column is a character, also where that takes two units
  expect(text.slice(offset(text, 3))).toBe('three')
  expect(offset(text, 3, 99)).toBe(text.length)
  expect(offset(text, 9)).toBe(text.length)
})
