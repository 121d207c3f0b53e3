import { expect, it } from 'vitest'

import { evidenceWords } from './evidence'

const plain = (text: string) => text.replace(/\u00a0/g, ' ')

it('tells how near evidence is to what is enough', () => {
  expect(evidenceWords({ progress: 0, threshold: 100 }, 'pass')).toBe('no evidence of harm')
  expect(plain(evidenceWords({ progress: 0.861, threshold: 100 }, 'wait'))).toBe('86 % of the way to a rollback')
  expect(plain(evidenceWords({ progress: 0.5, threshold: 100 }, 'wait', 'warning'))).toBe('50 % of the way to holding the release')
})

it('says that the threshold is crossed only where it is', () => {
  expect(plain(evidenceWords({ progress: 0.9999, threshold: 100 }, 'wait'))).toBe('99 % of the way to a rollback')
  expect(evidenceWords({ progress: 1, threshold: 100 }, 'fail')).toBe('crossed the threshold')
})

it('invents no odds where the method has none', () => {
  expect(evidenceWords({ progress: 0, threshold: 0 }, 'wait')).toBe('judged without odds')
  expect(evidenceWords({ progress: 0, threshold: 0 }, 'fail')).toBe('beyond what is allowed')
})
