import { expect, it } from 'vitest'

import { awaited, tally } from './standing'

const asked = (missing?: number) => ({ from: 'managers', quorum: 2, given: [], missing })
const step = (missing?: number) => ({ weight: '10 %', weight_percent: 10, at_least_s: 0, at_most_s: 0, state: 'ahead', approvals: asked(missing) })

it('tells whom a release waits for, if anybody', () => {
  expect(awaited({ steps: [step()] })).toBeUndefined()
  expect(awaited({ steps: [step(), step(2)] })).toBe('2 approvals from managers')
  expect(awaited({ approvals: asked(1), steps: [] })).toBe('1 approval from managers')
})

it('counts verdicts, the worst first', () => {
  expect(tally([])).toBe('')
  expect(tally([{ verdict: 'pass' }, { verdict: 'wait' }, { verdict: 'fail' }, { verdict: 'pass' }])).toBe('1 fails, 1 waits, 2 pass')
})
