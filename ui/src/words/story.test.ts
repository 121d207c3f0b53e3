import { describe, expect, it } from 'vitest'

import type { Decision, Record } from '../api/course'
import { choices } from './orders'
import { headline, shortHash, stages } from './story'

const base: Record = {
  name: 'checkout-1.5.0', attempt: 1, service: 'checkout', outcome: 'running', ended: false, sentence: '', phase: 'observing', reason: { code: '', text: '' },
  arms: [], step: 1, weight: '1 %', weight_percent: 1, served: true, times: {}, exposure: { candidate_requests: 0, candidate_bad: 0 },
  steps: [1, 10, 50].map((w, i) => ({ weight: `${w} %`, weight_percent: w, at_least_s: 60, at_most_s: 3600, state: i === 0 ? 'present' : 'ahead' })),
  standing: [], decisions: [], effects: [], links: [], exemplars: [], warnings: [], false_rollback_percent: 1, methods: 1, file_sha256: '', records: 4,
}
const verbs = (r: Partial<Record>, me?: string) => choices({ ...base, ...r }, me).map((c) => c.verb)

describe('the orders that make sense', () => {
  it.each([
    ['observing', ['advance', 'pause', 'abort']], ['shifting', ['pause', 'abort']], ['paused', ['resume', 'advance', 'abort']],
    ['waiting for approval', ['approve', 'reject', 'advance', 'pause', 'abort']], ['failed', ['abort']], ['scheduled', ['abort']],
  ])('%s: %s', (phase, want) => expect(verbs({ phase })).toEqual(want))
  it('are resuming, and nothing that climbs, where somebody lowered the weight', () => {
    expect(verbs({ phase: 'held', reason: { code: 'weight-lowered', text: '' } })).toEqual(['resume', 'abort'])
    expect(verbs({ phase: 'held', reason: { code: 'deadline', text: '' } })).toEqual(['resume', 'advance', 'pause', 'abort'])
  })
  it('are few after the decision', () => {
    expect(verbs({ phase: 'watching after promotion', outcome: 'promoted' })).toEqual(['abort'])
    expect(verbs({ phase: 'watching recovery', outcome: 'rolled-back' })).toEqual([])
    expect(verbs({ phase: 'rolled back', outcome: 'rolled-back', ended: true })).toEqual(['retry'])
  })
  it('let one take back what one approved', () => {
    const approvals = { from: 'managers', quorum: 2, given: [{ who: 'ann', time: '2026-01-01T00:00:00Z' }], missing: 1, comment_required: true }
    const waiting = { phase: 'waiting for approval', steps: base.steps.map((s, i) => (i === 1 ? { ...s, approvals } : s)) }
    expect(verbs(waiting, 'ann')).toContain('retract')
    expect(verbs(waiting, 'bob')).not.toContain('retract')
    const approve = choices({ ...base, ...waiting, next: { verb: 'approve', command: '', does: '' } }).find((c) => c.verb === 'approve')
    expect(approve).toMatchObject({ main: true, reason: true })
    expect(approve?.does).toContain('managers')
  })
})

describe('how steps went', () => {
  const d = (second: number, decision: string, step: number): Decision => ({
    seq: second, time: new Date(second * 1000).toISOString(), decision, phase: '', step, weight: '', weight_percent: 0, reason: { code: '', text: '' }, comparisons: [],
  })
  it('is told from the log', () => {
    const went = stages({ ...base, decisions: [d(0, 'start', 1), d(600, 'advance', 2), d(700, 'roll-back', 2), d(720, 'finish', 2)] })
    expect(went).toEqual([{ began: 0, ended: 600_000, end: 'advance' }, { began: 600_000, ended: 700_000, end: 'roll-back' }, {}])
  })
  it('counts a step that was climbed again from its first beginning', () => {
    const went = stages({ ...base, decisions: [d(0, 'start', 1), d(10, 'advance', 2), d(20, 'step-back', 1), d(30, 'advance', 2)] })
    expect(went[0]).toEqual({ began: 0, ended: 30_000, end: 'advance' })
    expect(went[1]).toEqual({ began: 10_000 })
  })
})

describe('the sentence', () => {
  it('is told in parts', () => {
    const told = headline({
      ...base, outcome: 'rolled-back', sentence: 'Rolled back from step 1 of 3 (1 %): errors: 8.2x the baseline\'s.',
      harm: { metric: 'errors', what: 'failed', requests: 225, bad: 11, expected: 1.1, excess: 9.9, text: 'about 10 requests were harmed' },
      next: { verb: 'retry', command: '', does: 'begins the next attempt' },
    })
    expect(told).toEqual({ lead: 'Rolled back from step 1 of 3 (1 %).', why: 'Errors: 8.2x the baseline\'s.', harm: 'About 10 requests were harmed.', now: 'Retry begins the next attempt.', tone: 'bad' })
  })
  it('tells less as worse where less is worse', () => {
    const side = { n: 1000, events: 900, value: 0.9 }
    const hits = {
      metric: 'hits', segment: '', kind: 'ratio', severity: 'guardrail', worse: 'lower', verdict: 'fail', reason: { code: '', text: '' }, against: 'baseline', test: '',
      baseline: { n: 1000, events: 950, value: 0.95 }, candidate: side, effect: { ratio: 2, low: 1.5, high: 3 }, exclude: 2, p: null, warnings: [],
      evidence: { e: 1, threshold: 1, log_e: 1, log_threshold: 1, progress: 1 }, evidence_for_pass: { e: 1, threshold: 1, log_e: 1, log_threshold: 1, progress: 0 },
    }
    expect(headline({ ...base, outcome: 'rolled-back', sentence: 'Rolled back: hits.', standing: [hits] }).why).toMatch(/^Hits came to 2.0× worse than the baseline’s, at least 1.5×: 900 of .*against 950/)
  })
  it('may have one part only', () => expect(headline({ ...base, sentence: 'Nothing is known yet.' })).toMatchObject({ lead: 'Nothing is known yet.', why: '', harm: '', now: '', tone: 'ink' }))
})

it('shortens hashes', () => expect([shortHash('9f3c0000000000e1'), shortHash('abc')]).toEqual(['9f3c…00e1', 'abc']))
