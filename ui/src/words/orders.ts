import type { Record } from '../api/course'

import { percentOf } from './number'

/** What a person can order of a release on its page. */
export type Verb = 'approve' | 'reject' | 'retract' | 'pause' | 'resume' | 'advance' | 'abort' | 'retry'

/** An order that makes sense now, and what to know before giving it. */
export type Choice = {
  verb: Verb
  label: string
  /** What will happen, in a sentence. */
  does: string
  /** It is what the release waits for. */
  main?: boolean
  /** A reason must be given. */
  reason?: boolean
}

/** Phases in which steps are still climbed, and no fault stands in the way. */
const climbing = ['warming up', 'observing', 'waiting for approval', 'paused', 'held']

/**
 * The orders that make sense as a release stands, what it waits for first. me is who
 * looks. Whether somebody may give them is for the API to say; it says what they lack.
 */
export function choices(r: Record, me = ''): Choice[] {
  const out: Choice[] = []
  const asked = gate(r)
  const on = weightAfter(r)
  if (r.phase === 'waiting for approval' || (r.phase === 'scheduled' && asked)) {
    const reason = asked?.comment_required === true
    const more = (asked?.missing ?? 1) > 1
    const who = asked ? ` ${asked.from} ${asked.quorum > 1 ? `are asked for ${asked.quorum} approvals` : 'are asked'}; the author's own does not count.` : ''
    out.push({ verb: 'approve', label: 'Approve…', reason, does: more ? `Your approval is counted; ${(asked?.missing ?? 1) - 1} more will be needed before the release goes on.${who}` : `The release goes on${on}.${who}` })
    out.push({ verb: 'reject', label: 'Say no…', reason: true, does: 'The release ends here: all traffic goes back to the baseline.' })
  }
  if (me !== '' && !r.ended && r.outcome === 'running' && asked?.given.some((g) => g.who === me)) {
    out.push({ verb: 'retract', label: 'Take my approval back…', does: 'Your approval no longer counts. This works until the weight it is for is set.' })
  }
  const lowered = r.phase === 'held' && ['weight-lowered', 'superseded'].includes(r.reason.code)
  if (r.phase === 'paused') out.push({ verb: 'resume', label: 'Resume…', does: 'The release goes on from where it was paused, as its guardrails allow.' })
  if (lowered) out.push({ verb: 'resume', label: 'Resume…', does: 'The weight that somebody else set is taken back, and the release goes on from where it was.' })
  else if (r.phase === 'held' && r.step > 0) out.push({ verb: 'resume', label: 'Look again…', does: 'The time of this step begins anew, and the release waits for its guardrails to pass.' })
  if (climbing.includes(r.phase) && !lowered && running(r)) {
    out.push({ verb: 'advance', label: 'Advance…', does: `The release goes on${on} now, in place of evidence: what could still hide goes with it. A guardrail that fails still rolls back.` })
  }
  if (running(r) && ['shifting', 'warming up', 'observing', 'waiting for approval', 'held'].includes(r.phase) && !lowered) {
    out.push({ verb: 'pause', label: 'Pause…', does: `The candidate stays at ${percentOf(r.weight_percent)}. Looking goes on, and a guardrail that fails still rolls back.` })
  }
  if (!r.ended && r.outcome !== 'rolled-back' && r.outcome !== 'aborted') {
    out.push({ verb: 'abort', label: 'Abort…', does: 'All traffic goes back to the baseline at once, and the release ends.' })
  }
  if (r.ended) {
    out.push({ verb: 'retry', label: 'Try again…', does: 'The next attempt begins with the same file: from its first step, with evidence of its own.' })
  }
  return out.map((c) => ({ ...c, main: c.verb === r.next?.verb }))
}

function running(r: Record): boolean {
  return !r.ended && r.outcome === 'running'
}

/** The approvals that are asked for now, or lie before the step that comes next. */
function gate(r: Record) {
  if (r.approvals && (r.approvals.missing || r.step === 0)) return r.approvals
  return r.steps.find((s) => s.approvals?.missing)?.approvals ?? r.steps[r.step]?.approvals
}

/** Where the release goes from here. */
function weightAfter(r: Record): string {
  const next = r.steps[r.step]
  return next ? ` to ${percentOf(next.weight_percent)}` : ': all traffic goes to the candidate'
}

/** What became of an order. */
export type Outcome =
  | { kind: 'taken' | 'refused' | 'waits' | 'denied' | 'changed' | 'failed'; text: string }
  | { kind: 'begun'; text: string; name: string; attempt: number }

/** The heading over what became of an order. */
export const outcomeTitles = {
  taken: 'Taken', refused: 'The release did not take it', waits: 'Left for the release', denied: 'You may not do this',
  changed: 'Something happened meanwhile', failed: 'It may not have got there', begun: 'Begun',
} satisfies { [kind in Outcome['kind']]: string }
