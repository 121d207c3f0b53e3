import { expect, it } from 'vitest'

import { endedOf, promotionRate } from './service'

it('counts what ended, and not what runs', () => {
  const counts = { running: 5, promoted: 3, rolled_back: 1, aborted: 0 }
  expect(endedOf(counts)).toBe(4)
  expect(promotionRate(counts)).toBe('75\u00a0%')
  expect(promotionRate({ running: 5, promoted: 0, rolled_back: 0, aborted: 0 })).toBe('–')
})
