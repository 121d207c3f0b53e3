import { memo } from 'react'

import type { Track } from '../../api/course'
import { DataTable } from '../../parts/DataTable'
import { sideText, toleranceText, valueText } from '../../words/effect'
import { number, odds, percent, points, span, times } from '../../words/number'
import { Copy } from './Copy'
import { Fold } from './Fold'
import classes from './release.module.css'

/** The raw figures of a track, and what to ask its source for. */
export const Raw = memo(function Raw({ track }: { track: Track }) {
  return (
    <div className={classes.tight}>
      <Fold plain title="Raw figures">{() => <Figures track={track} />}</Fold>
      {track.queries.length > 0 && <Fold plain title="Queries to paste into the source">{() => <Queries track={track} />}</Fold>}
      {track.history.length > 0 && <Fold plain title={`The baseline in ${track.history.length} earlier releases`}>{() => <History track={track} />}</Fold>}
    </div>
  )
})

function Figures({ track }: { track: Track }) {
  const c = track.standing
  if (!c) return <p className="quiet">Nothing is compared yet.</p>
  const rows: [string, string][] = [
    ['baseline', sideText(c, c.baseline)],
    ['candidate', sideText(c, c.candidate)],
    ['effect, 95 % at every look', `${times(c.effect.ratio)}, ${span(c.effect.low, c.effect.high, times)}`],
    ['evidence of harm', c.evidence.threshold > 0 ? `${odds(c.evidence.e)}; ${odds(c.evidence.threshold)} is enough` : 'the method has none'],
    ['evidence for a pass', c.evidence_for_pass.threshold > 0 ? `${odds(c.evidence_for_pass.e)}; ${odds(c.evidence_for_pass.threshold)} is enough` : 'none'],
    ['test', c.test],
    ['verdict', `${c.verdict}: ${c.reason.text}`],
  ]
  if (track.against === 'baseline') rows.splice(3, 0, ['tolerance', toleranceText(track)])
  if (c.effect.difference !== undefined && c.effect.difference !== null) {
    rows.splice(3, 0, ['difference', `${points(c.effect.difference)}, ${span(c.effect.difference_low, c.effect.difference_high, points)}`])
  }
  if (c.p !== null) rows.push(['p, valid at every look', number(c.p)])
  if (c.belief) rows.push(['probability of harm, under a prior', `${percent(c.belief.probability_worse)}; not calibrated under repeated looks`])
  if (c.superiority) rows.push(['chance that the candidate’s value is worse', percent(c.superiority)])
  return (
    <>
      <DataTable caption={`Figures of ${track.metric}`} hideCaption id={(r) => r[0]} rows={rows} columns={[{ head: 'figure', cell: (r) => r[0], names: true }, { head: 'value', cell: (r) => r[1], as: 'text' }]} />
      {c.warnings.map((w) => <p key={w} className={classes.small}>{w}</p>)}
    </>
  )
}

function Queries({ track }: { track: Track }) {
  return (
    <div className={classes.tight}>
      {track.queries.map((q, i) => (
        <div key={i} className={classes.tight}>
          <div className={classes.between}>
            <span className={classes.small}>{q.arm}, {q.role}, as {q.source} is asked</span>
            <Copy text={q.query} what="the query" />
          </div>
          <pre className={classes.query}>{q.query}</pre>
          {q.graph && (
            <>
              <div className={classes.between}><span className={classes.small}>{q.arm}, as a graph in Prometheus</span><Copy text={q.graph} what="the expression" /></div>
              <pre className={classes.query}>{q.graph}</pre>
            </>
          )}
        </div>
      ))}
    </div>
  )
}

function History({ track }: { track: Track }) {
  return (
    <DataTable
      caption="The baseline in earlier releases" hideCaption id={(l) => `${l.name}/${l.attempt}`} rows={track.history}
      columns={[
        { head: 'release', cell: (l) => (l.attempt > 1 ? `${l.name}, attempt ${l.attempt}` : l.name), names: true },
        { head: 'began', cell: (l) => new Date(l.time).toLocaleString(), as: 'whole' },
        { head: 'baseline', cell: (l) => valueText(track, l.value), as: 'number' },
        { head: 'n', cell: (l) => number(l.n), as: 'number' },
      ]}
    />
  )
}
