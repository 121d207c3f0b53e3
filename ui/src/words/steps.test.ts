import { expect, it } from 'vitest'

import { approvalText, railWords, spanText } from './steps'

const asked = { from: 'managers', quorum: 2, given: [] as { who: string; time: string }[] }
const given = [{ who: 'ada', time: '2026-03-01T12:00:00Z' }]

it('tells who is asked, awaited and has approved', () => {
  expect(approvalText(undefined)).toBeUndefined()
  expect(approvalText(undefined, 'managers')).toBe('needs managers')
  expect(approvalText(asked)).toBe('needs 2 of managers')
  expect(approvalText({ ...asked, missing: 2 })).toBe('waits for 2 of managers')
  expect(approvalText({ ...asked, given, missing: 1 })).toBe('waits for managers')
  expect(approvalText({ ...asked, given })).toBe('approved by ada')
})

it('tells how long a step lasts', () => {
  expect(spanText({ atLeast: 300, atMost: 1800 })).toBe('5 min to 30 min')
  expect(spanText({ atLeast: 0, atMost: 60 })).toBe('up to 1 min')
  expect(spanText({ atLeast: 60, atMost: 60 })).toBe('at least 1 min')
  expect(spanText({ atLeast: 0, atMost: 0 })).toBe('')
})

it('tells all steps in one line', () => {
  const line = railWords([
    { weight: 1, atLeast: 0, atMost: 0, state: 'done' },
    { weight: 10, atLeast: 0, atMost: 0, state: 'stopped', approval: 'approved by ada' },
    { weight: 50, atLeast: 0, atMost: 0, state: 'ahead' },
  ])
  expect(line.replace(/\u00a0/g, ' ')).toBe('1 %, done; 10 %, stopped here, approved by ada; 50 %')
})
