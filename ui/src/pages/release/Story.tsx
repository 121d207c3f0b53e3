import { Button, Text, Tooltip } from '@mantine/core'
import { memo, useState } from 'react'

import type { Comparison, Decision, Record, Replayed } from '../../api/course'
import { DataTable } from '../../parts/DataTable'
import { Explain } from '../../parts/Explain'
import { At } from '../../parts/time'
import { Verdict } from '../../parts/Verdict'
import { aspect, intervalText, metricTitle, sideText, whereText } from '../../words/effect'
import { count, odds, times } from '../../words/number'
import { decider, decisionName, decisionTone, shortHash } from '../../words/story'
import { sentence } from '../../words/text'
import { Copy } from './Copy'
import { Fold } from './Fold'
import classes from './release.module.css'

/** Computes a release again up to a record. */
export type Replay = (seq: number) => Promise<Replayed>

/** How many of the last decisions are shown before somebody asks for all. */
const first = 30

/** What was decided, by whom and why, the last on top; each can be computed again. */
export const Story = memo(function Story({ record: r, replay }: { record: Record; replay?: Replay }) {
  const [all, setAll] = useState(false)
  const last = [...r.decisions].reverse()
  const shown = all ? last : last.slice(0, first)
  return (
    <section className="card" aria-label="Decisions">
      <h2 className={classes.heading}>Decisions <Explain what="replay" /></h2>
      <ol className={classes.story} reversed>{shown.map((d) => <Entry key={d.seq} d={d} replay={replay} />)}</ol>
      {last.length > shown.length && <Button variant="default" size="compact-sm" onClick={() => setAll(true)}>Show the {count(last.length - shown.length)} before</Button>}
      {r.decisions_omitted ? <Text size="sm" className="quiet">{count(r.decisions_omitted)} between the first and the last are left out.</Text> : null}
    </section>
  )
})

const Entry = memo(function Entry({ d, replay }: { d: Decision; replay?: Replay }) {
  const tone = decisionTone(d)
  return (
    <li className={classes.entry}>
      <span className="quiet"><At time={d.time} /></span>
      <span className={`${classes.strong} ${tone === 'ink' ? '' : classes[tone]}`}>{decisionName(d.decision)}</span>
      <span className={classes.words}>{sentence(d.reason.text)} <span className="quiet">{decider(d)}</span></span>
      <span className={classes.tools}>
        {d.sha256 && <Tooltip label={d.sha256} withArrow multiline w={300} classNames={{ tooltip: classes.words }}><span className={classes.hash} tabIndex={0}>{shortHash(d.sha256)}</span></Tooltip>}
        {d.sha256 && <Copy text={d.sha256} what="the hash" />}
        {replay && <Again seq={d.seq} replay={replay} />}
      </span>
      {d.comparisons.length > 0 && (
        <div className={classes.under}><Fold plain title={`What was known then: ${d.comparisons.length} ${d.comparisons.length === 1 ? 'comparison' : 'comparisons'}`}>{() => <Known rows={d.comparisons} />}</Fold></div>
      )}
    </li>
  )
})

type Done = { text: string; good: boolean } | 'asked'

/** Replays up to a decision, and says what came of it. */
function Again({ seq, replay }: { seq: number; replay: Replay }) {
  const [done, setDone] = useState<Done | null>(null)
  const ask = async () => {
    setDone('asked')
    try {
      setDone(told(await replay(seq)))
    } catch (cause) {
      setDone({ text: cause instanceof Error ? cause.message : 'It could not be computed again.', good: false })
    }
  }
  return (
    <>
      <Button className="no-print" size="compact-sm" variant="default" loading={done === 'asked'} onClick={() => void ask()} aria-label={`Replay up to record ${seq}`}>Replay</Button>
      <span role="status" className={done && done !== 'asked' ? `${classes.small} ${done.good ? '' : classes.bad}` : 'visually-hidden'}>{done && done !== 'asked' ? done.text : ''}</span>
    </>
  )
}

/** What a replay came to, in words. */
export function told(r: Replayed): Done {
  const chain = r.chain.holds ? `the chain of hashes holds up to ${shortHash(r.chain.head)}` : `the chain of hashes is broken: ${r.chain.broken ?? ''}`
  if (r.same) return { text: sentence(`The same again, over ${count(r.records)} records; ${chain}`), good: r.chain.holds }
  if (!r.differs_at) return { text: sentence(`Over ${count(r.records)} records the decisions are the same again, but ${chain}`), good: false }
  const [now, then] = [decisionName(r.decision.decision), decisionName(r.recorded.decision)]
  return { text: sentence(`Record ${r.differs_at} comes out ${now === then ? `as ${now} on other evidence than is recorded` : `as ${now}, and is recorded as ${then}`}; ${chain}`), good: false }
}

function Known({ rows }: { rows: Comparison[] }) {
  return (
    <DataTable
      caption="What was known then" hideCaption id={(c) => `${c.metric} ${c.against} ${c.segment}`} rows={rows}
      columns={[
        { head: 'metric', cell: (c) => `${metricTitle(c)}, ${[whereText(c.segment), aspect(c)].filter(Boolean).join(', ')}`, names: true },
        { head: 'verdict', cell: (c) => <Verdict verdict={c.verdict} />, as: 'whole' },
        { head: 'baseline', cell: (c) => sideText(c, c.baseline), as: 'number' },
        { head: 'candidate', cell: (c) => sideText(c, c.candidate), as: 'number' },
        { head: 'effect', cell: (c) => times(c.effect.ratio), as: 'number' },
        { head: '95 %', cell: (c) => intervalText(c.effect), as: 'whole' },
        { head: 'evidence of harm', cell: (c) => (c.evidence.threshold > 0 ? `${odds(c.evidence.e)}, enough is ${odds(c.evidence.threshold)}` : '–'), as: 'whole' },
      ]}
    />
  )
}
