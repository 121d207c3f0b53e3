import { expect, it } from 'vitest'

import { drawn, height, reach } from './sight'

it('reaches over all that is seen, and at least from a fifth to twice', () => {
  expect(reach([])).toEqual([1.2, 2])
  expect(reach([{ curve: [{ effect: 5, time_s: 1 }, { effect: 1.05, time_s: 9 }] }])).toEqual([1.05, 5])
})

it('puts the largest harm on top', () => {
  expect(height(5, [1.05, 5])).toBeCloseTo(0)
  expect(height(1.05, [1.05, 5])).toBeCloseTo(1)
  expect(height(1, [1.05, 5])).toBe(1)
})

it('steps down where a smaller harm is seen, and goes on to the end', () => {
  const [one] = drawn([{ metric: 'errors', curve: [{ effect: 2, time_s: 25 }, { effect: 1.2, time_s: 50 }] }, { metric: 'blind', curve: [] }], 100)
  expect(one!.metric).toBe('errors')
  expect(one!.points).toEqual([[0.25, 0], [0.5, 0], [0.5, 1], [1, 1]])
  expect(one!.end.effect).toBe(1.2)
})
