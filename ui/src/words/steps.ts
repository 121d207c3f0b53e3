import type { Schemas } from '../api/client'

import { percentOf } from './number'
import { duration } from './time'

/** Where a step is: behind, where the release is now, before it, or where it was stopped. */
export type StepState = 'done' | 'present' | 'ahead' | 'stopped'

/** A step as a rail shows it. */
export type Step = { weight: number; atLeast: number; atMost: number; state: StepState; approval?: string }

const states: readonly string[] = ['done', 'present', 'ahead', 'stopped']

/** The steps of a release's record. */
export function stepsOf(steps: readonly Schemas['RecordStep'][]): Step[] {
  return steps.map((s) => ({
    weight: s.weight_percent, atLeast: s.at_least_s, atMost: s.at_most_s,
    state: (states.includes(s.state) ? s.state : 'ahead') as StepState, approval: approvalText(s.approvals, s.approval),
  }))
}

/** The steps of a plan, all of which are ahead. */
export function stepsPlanned(steps: readonly Schemas['PlannedStep'][]): Step[] {
  return steps.map((s) => ({
    weight: s.weight_percent, atLeast: s.at_least_s, atMost: s.at_most_s, state: 'ahead',
    approval: s.approval && askedText(s.approval.quorum, s.approval.from),
  }))
}

const askedText = (quorum: number, from: string) => (quorum > 1 ? `needs ${quorum} of ${from}` : `needs ${from}`)

/** Who is asked to approve, or did. */
export function approvalText(a: Schemas['RecordApprovals'] | undefined, from?: string): string | undefined {
  if (!a) return from && `needs ${from}`
  if (a.missing) return `waits for ${a.missing > 1 ? a.missing + ' of ' : ''}${a.from}`
  if (a.given.length > 0) return `approved by ${a.given.map((g) => g.who).join(', ')}`
  return askedText(a.quorum, a.from)
}

/** How long a step is watched. */
export function spanText(s: Pick<Step, 'atLeast' | 'atMost'>): string {
  if (s.atMost > s.atLeast) return s.atLeast > 0 ? `${duration(s.atLeast)} to ${duration(s.atMost)}` : `up to ${duration(s.atMost)}`
  return s.atLeast > 0 ? `at least ${duration(s.atLeast)}` : ''
}

const words: Record<StepState, string> = { done: 'done', present: 'now', ahead: '', stopped: 'stopped here' }

/** The state of a step as a word; nothing for one ahead. */
export const stateWord = (s: StepState) => words[s]

/** All steps in one line, for who cannot see the rail. */
export function railWords(steps: readonly Step[]): string {
  return steps.map((s) => [percentOf(s.weight), words[s.state], s.approval].filter(Boolean).join(', ')).join('; ')
}
