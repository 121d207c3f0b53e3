import type { Decision, Record } from '../api/course'

import { aspect, metricTitle, outOf, valueText, whereText } from './effect'
import { times } from './number'
import { sentence } from './text'
import { clock, duration } from './time'

/** What a decision is called in the log. */
const names: { [decision: string]: string } = {
  start: 'began', advance: 'advanced', hold: 'held', 'step-back': 'stepped back', correct: 'put right', 'roll-back': 'rolled back',
  promote: 'promoted', 'await-approval': 'asked for approval', approval: 'approval', pause: 'paused', resume: 'went on',
  finish: 'ended', refuse: 'refused', stay: 'stayed',
}

/** A decision's name for people. */
export function decisionName(decision: string): string {
  return names[decision] ?? decision
}

/** Whether a decision goes with or against the candidate, for a word that may be coloured. */
export function decisionTone(d: Pick<Decision, 'decision' | 'verdict'>): 'good' | 'bad' | 'ink' {
  if (d.decision === 'roll-back') return 'bad'
  if (d.decision === 'promote') return 'good'
  return 'ink'
}

/** Who or what decided. */
export function decider(d: Pick<Decision, 'who' | 'from' | 'decision'>): string {
  if (!d.who) return 'Linnet'
  return d.from ? `${d.who}, ${d.from}` : d.who
}

/** How a step went: when it began and ended, as far as the log tells. */
export type Stage = { began?: number; ended?: number; end?: string }

/** How each step went, from the log. */
export function stages(r: Pick<Record, 'steps' | 'decisions'>): Stage[] {
  const out: Stage[] = r.steps.map(() => ({}))
  let present = -1
  for (const d of r.decisions) {
    const at = Date.parse(d.time)
    const over = d.decision === 'roll-back' || d.decision === 'promote'
    const now = over ? -1 : d.step - 1
    if (now === present && !over) continue
    const left = out[present]
    if (left && left.ended === undefined) {
      left.ended = at
      left.end = d.decision
    }
    present = now
    const entered = out[now]
    if (entered) {
      entered.began ??= at
      delete entered.ended
      delete entered.end
    }
    if (over) break
  }
  return out
}

/** The note under each step of the rail: how long it took or has been going on, and how it ended. */
export function stageNotes(r: Pick<Record, 'steps' | 'decisions'>, now: number): (string | undefined)[] {
  const went = stages(r)
  return r.steps.map((s, i) => {
    const stage = went[i]
    if (!stage?.began) return undefined
    const since = `from ${clock(new Date(stage.began), new Date(now))}`
    const took = duration(Math.max(0, Math.round(((stage.ended ?? now) - stage.began) / 1000)))
    switch (s.state) {
      case 'done': return `${took} · passed · ${since}`
      case 'stopped': return `${took} · stopped here · ${since}`
      case 'present': return `${took} so far · ${since}`
    }
    return undefined
  })
}

/** The sentence on top of the page, in parts: what happened, why, how bad, what now. */
export type Headline = { lead: string; why: string; harm: string; now: string; tone: 'good' | 'bad' | 'warn' | 'ink' }

/** Says where a release stands, from its own sentence. */
export function headline(r: Pick<Record, 'sentence' | 'harm' | 'next' | 'outcome' | 'phase' | 'ended' | 'standing' | 'recovery'>): Headline {
  const cut = r.sentence.indexOf(': ')
  const lead = cut < 0 ? r.sentence.replace(/\.$/, '') : r.sentence.slice(0, cut)
  const why = cut < 0 ? '' : r.sentence.slice(cut + 2)
  return {
    lead: sentence(lead), why: found(r) || sentence(why), harm: r.harm && r.harm.excess >= 0.5 ? sentence(r.harm.text) : '',
    now: r.next ? sentence(`${capitalVerb(r.next.verb)} ${r.next.does}`) : '', tone: tone(r),
  }
}

/** What was found, from the figures of the guardrail that failed; nothing where none decided. */
function found(r: Pick<Record, 'outcome' | 'standing' | 'phase' | 'recovery'>): string {
  const c = r.standing[0]
  if (r.outcome !== 'rolled-back' || c?.verdict !== 'fail' || c.against !== 'baseline' || c.effect.ratio === null) return ''
  const where = c.segment === '' ? '' : ` ${whereText(c.segment)}`
  const beyond = aspect(c) && ` ${aspect(c)}`
  const sure = c.effect.low !== null && c.effect.low > 1 ? `, at least ${times(c.effect.low)}` : ''
  const much = c.worse === 'lower' ? `${times(c.effect.ratio)} worse than the baseline’s` : `${times(c.effect.ratio)} the baseline’s`
  const counts = outOf(c, c.candidate) ? `: ${outOf(c, c.candidate)} against ${outOf(c, c.baseline)}` : `: ${valueText(c, c.candidate.value)} against ${valueText(c, c.baseline.value)}`
  return sentence(`${metricTitle(c)}${beyond}${where} came to ${much}${sure}${counts}`) + recovered(r)
}

function recovered(r: Pick<Record, 'phase' | 'recovery'>): string {
  if (r.phase === 'watching recovery') return ' Whether the baseline recovers is being watched.'
  if (r.recovery === 'verified') return ' The baseline is as it was before.'
  return r.recovery ? ' The baseline is not yet as it was before.' : ''
}

function capitalVerb(verb: string): string {
  return verb.charAt(0).toUpperCase() + verb.slice(1)
}

function tone(r: { outcome: string; phase: string }): Headline['tone'] {
  if (r.outcome === 'rolled-back' || r.phase === 'failed') return 'bad'
  if (r.outcome === 'promoted') return 'good'
  if (r.outcome === 'aborted' || r.phase === 'held' || r.phase === 'waiting for approval' || r.phase === 'paused') return 'warn'
  return 'ink'
}

/** A hash short enough to be compared by eye. */
export function shortHash(hash: string): string {
  return hash.length > 12 ? `${hash.slice(0, 4)}…${hash.slice(-4)}` : hash
}
