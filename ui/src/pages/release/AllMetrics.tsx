import { memo } from 'react'

import type { Course, Track } from '../../api/course'
import type { Frame } from '../../charts/pictures'
import { Spark } from '../../charts/Spark'
import { Verdict } from '../../parts/Verdict'
import { aspect, effectText, hasInterval, intervalText, keyOf, metricTitle } from '../../words/effect'
import { Fold } from './Fold'
import { Raw } from './Raw'
import classes from './release.module.css'
import { TrackCharts, type Versions } from './TrackCharts'

/** All other metrics over time, each behind its line; charts are made for what is open and seen. */
export const AllMetrics = memo(function AllMetrics({ course, but, frame, versions }: { course: Course; but: string; frame: Frame; versions: Versions }) {
  const others = course.tracks.filter((t) => keyOf(t) !== but).sort((a, b) => rank(a) - rank(b))
  if (others.length === 0) return null
  return (
    <section className="card" aria-label="All metrics over time">
      <h2 className={classes.heading}>All other metrics over time</h2>
      {others.map((t) => <One key={keyOf(t)} track={t} frame={frame} versions={versions} />)}
    </section>
  )
})

const order = ['fail', 'wait', 'pass']

function rank(t: Track): number {
  return t.standing ? order.indexOf(t.standing.verdict) : order.length
}

const One = memo(function One({ track, frame, versions }: { track: Track; frame: Frame; versions: Versions }) {
  const c = track.standing
  return (
    <Fold title={<>
      <span className={classes.strong}>{metricTitle(track)}</span>
      {c && <Verdict verdict={c.verdict} />}
      {c && c.effect.ratio !== null && <span className="quiet">{effectText(c, c.effect)}{hasInterval(c) && `, ${intervalText(c.effect)}`}{aspect(track) && ` (${aspect(track)})`}</span>}
      <Spark track={track} />
    </>}>{() => <div className={classes.stack}><TrackCharts track={track} frame={frame} versions={versions} /><Raw track={track} /></div>}</Fold>
  )
})
