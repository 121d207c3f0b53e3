import { memo } from 'react'

import type { Comparison, Course } from '../../api/course'
import { Spark } from '../../charts/Spark'
import { Evidence } from '../../parts/Evidence'
import { Explain } from '../../parts/Explain'
import { Verdict } from '../../parts/Verdict'
import { aspect, effectText, hasInterval, hiddenText, intervalText, keyOf, metricTitle, outOf, trackOf, valueText, whereText } from '../../words/effect'
import { none } from '../../words/number'
import { sentence } from '../../words/text'
import classes from './release.module.css'

/** How far a segment's evidence must have come to stand among the guardrails. */
const suspicious = 0.25

/** Those that are told by themselves: metrics as a whole, and segments that stand out. */
export function prominent(all: Comparison[]): Comparison[] {
  return all.filter((c) => c.segment === '' || c.verdict === 'fail' || c.evidence.progress >= suspicious)
}

type GuardrailsProps = {
  rows: Comparison[]
  course?: Course
  chosen?: { metric?: string; segment?: string }
  choose?: (metric: string, segment?: string) => void
  title: string
  /** What the two sides are called. */
  sides?: [string, string]
}

/** What each guardrail came to: how bad, how sure, and what could still hide. The worst is on top. */
export const Guardrails = memo(function Guardrails({ rows, course, chosen, choose, title, sides = ['baseline', 'candidate'] }: GuardrailsProps) {
  return (
    <section className="card" aria-label={title}>
      <h2 className={classes.heading}>{title} <Explain what="guardrail" /></h2>
      <table className={classes.guards} role="table">
        <thead>
          <tr role="row">
            <th scope="col">metric</th>
            {course && <th scope="col"><span className="visually-hidden">course</span></th>}
            <th scope="col" className={classes.right}>{sides[0]}</th>
            <th scope="col" className={classes.right}>{sides[1]}</th>
            <th scope="col">how bad <Explain what="effect" /></th>
            <th scope="col">how sure <Explain what="evidence" /></th>
            <th scope="col">verdict</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((c) => {
            const on = chosen?.metric === keyOf(c) && (chosen.segment ?? '') === c.segment
            return <Row key={`${keyOf(c)} ${c.segment}`} c={c} course={course} on={on} choose={choose} sides={sides} />
          })}
        </tbody>
      </table>
    </section>
  )
})

function Row({ c, course, on, choose, sides }: { c: Comparison; course?: Course; on: boolean; choose?: GuardrailsProps['choose']; sides: [string, string] }) {
  const track = c.segment === '' ? trackOf(course, keyOf(c)) : undefined
  const compared = c.effect.ratio !== null && c.effect.ratio !== undefined
  const hidden = hiddenText(c, c.effect, c.exclude)
  const where = [c.segment || c.severity !== 'warning' ? whereText(c.segment) : '', aspect(c), c.severity === 'warning' ? 'a warning only' : ''].filter(Boolean).join(', ')
  return (
    <tr role="row" className={on ? classes.chosen : undefined}>
      <th scope="row" role="rowheader">
        {choose ? <button type="button" className={classes.metric} aria-pressed={on} onClick={() => choose(keyOf(c), c.segment || undefined)}>{metricTitle(c)}</button> : <span className={classes.strong}>{metricTitle(c)}</span>}
        <span className={classes.small}>{where}</span>
      </th>
      {course && <td role="cell" className={classes.spark}>{track && <Spark track={track} />}</td>}
      <td role="cell" data-head={sides[0]} className={classes.right}>{c.against === 'limit' ? `allowed ${valueText(c, c.baseline.value)}` : valueText(c, c.baseline.value)}<span className={classes.small}>{outOf(c, c.baseline)}</span></td>
      <td role="cell" data-head={sides[1]} className={classes.right}>{valueText(c, c.candidate.value)}<span className={classes.small}>{outOf(c, c.candidate)}</span></td>
      <td role="cell" className={classes.effect}>
        <span className={classes.strong}>{compared ? effectText(c, c.effect) : none}</span>
        {compared && hasInterval(c) && <span className={classes.small}>{intervalText(c.effect)}</span>}
      </td>
      <td role="cell" className={classes.evidence}>
        <Evidence proof={c.evidence} verdict={c.verdict} severity={c.severity} of={`${c.metric} ${whereText(c.segment)}`} />
        {hidden && <span className={classes.small}>{hidden}{'\u00a0'}<Explain what="hidden" /></span>}
      </td>
      <td role="cell" className={classes.verdict} title={sentence(c.reason.text)}><Verdict verdict={c.verdict} /></td>
    </tr>
  )
}
