import type { ReactNode } from 'react'

import type { Record } from '../../api/course'
import { At } from '../../parts/time'
import { Explain } from '../../parts/Explain'
import { Outcome } from '../../parts/Verdict'
import { count, seconds } from '../../words/number'
import { headline } from '../../words/story'
import { duration } from '../../words/time'
import classes from './release.module.css'

/** What is happening, why, how bad, and what now; then what it is about. */
export function Head({ record: r, about, buttons }: { record: Record; about: { team?: string; environment?: string }; buttons: ReactNode }) {
  const said = headline(r)
  const version = r.arms.find((a) => a.name === 'candidate')?.version
  return (
    <header className={classes.head}>
      <div className={classes.title}>
        <h1 className={classes.name}>{r.service} {version}</h1>
        <Outcome outcome={r.outcome} phase={r.ended ? undefined : r.phase} />
      </div>
      <p className={classes.sentence}>
        <span className={`${classes.lead} ${said.tone === 'ink' ? '' : classes[said.tone]}`}>{said.lead}</span>
        {said.why && <> {said.why}</>}{said.harm && <> {said.harm} <Explain what="harm" /></>}{said.now && <span className="quiet"> {said.now}</span>}
      </p>
      <div className={classes.orders}>{buttons}</div>
      <Facts record={r} about={about} />
    </header>
  )
}

function Facts({ record: r, about }: { record: Record; about: { team?: string; environment?: string } }) {
  const [baseline, candidate] = ['baseline', 'candidate'].map((n) => r.arms.find((a) => a.name === n))
  const t = r.times
  const facts: [string, ReactNode][] = [
    ['release', `${r.name}${r.attempt > 1 ? `, attempt ${r.attempt}` : ''}`],
    ['baseline', <span key="b" title={baseline?.commit}>{baseline?.version}</span>],
    ['candidate', <span key="c" title={candidate?.commit}>{candidate?.version} at {candidate?.weight}{r.served ? '' : ', not confirmed by the provider yet'}</span>],
  ]
  if (about.environment) facts.push(['environment', about.environment])
  if (about.team) facts.push(['team', about.team])
  if (t.started) facts.push(['began', <span key="s"><At time={t.started} />{r.by ? ` by ${r.by}` : ''}</span>])
  if (t.decided) facts.push(['decided', <span key="d"><At time={t.decided} />{t.time_to_decision_s ? `, after ${duration(t.time_to_decision_s)}` : ''}</span>])
  if (t.time_to_end_s !== undefined) facts.push(['traffic followed', `after ${t.time_to_end_s < 1 ? seconds(t.time_to_end_s) : duration(t.time_to_end_s)}`])
  if (r.exposure.metric) facts.push(['exposed', <span key="e">{count(r.exposure.candidate_requests)} requests, {count(r.exposure.candidate_bad)} bad <Explain what="exposure" /></span>])
  if (r.harm_budget) facts.push(['harm budget', r.harm_budget.text])
  return <dl className={classes.facts}>{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
}
