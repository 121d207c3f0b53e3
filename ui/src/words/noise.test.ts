import { expect, it } from 'vitest'

import { levelOf, noiseName } from './noise'

it('writes a level as its kind is read', () => {
  expect(levelOf('ratio', 0.0041)).toBe('0.41\u00a0%')
  expect(levelOf('histogram', 0.01)).toBe('1\u00a0%')
  expect(levelOf('gauge', 1.25)).toBe('1.25')
  expect(levelOf('ratio', undefined)).toBe('–')
})

it('names the bound of a histogram', () => {
  expect(noiseName({ metric: 'errors', worse: 'higher' })).toBe('errors')
  expect(noiseName({ metric: 'latency', worse: 'higher', bound: 0.25 })).toBe('latency > 0.25')
})
