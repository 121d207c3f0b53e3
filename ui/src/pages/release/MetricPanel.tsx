import { Button, Text } from '@mantine/core'
import { memo, useMemo, type ReactNode } from 'react'

import type { Course, Track } from '../../api/course'
import { Forest } from '../../charts/Forest'
import { dimensions } from '../../charts/forest'
import { Latency } from '../../charts/Latency'
import type { Frame } from '../../charts/pictures'
import { aspect, effectText, hasInterval, intervalText, keyOf, metricTitle, toleratedRatio, whereText } from '../../words/effect'
import { Bursts } from './Bursts'
import { Raw } from './Raw'
import classes from './release.module.css'
import { TrackCharts, type Versions } from './TrackCharts'

type Panel = {
  course: Course
  /** The track as a whole, and that of the segment that is chosen once it is there. */
  track: Track
  inSegment?: Track
  segment?: string
  waiting?: ReactNode
  frame: Frame
  versions: Versions
  choose: (metric: string, segment?: string) => void
}

/** The chosen metric in full: over time at the left, taken apart at the right. */
export const MetricPanel = memo(function MetricPanel({ course, track, inSegment, segment, waiting, frame, versions, choose }: Panel) {
  const key = keyOf(track)
  const parts = useMemo(() => dimensions(course.standing, track.metric, track.against), [course.standing, track.metric, track.against])
  const shown = segment ? inSegment : track
  const c = shown?.standing
  // Where the metric has none, the worst of those that have: a tail is easily overlooked.
  const of = shown?.distribution ? shown : course.tracks.find((t) => t.distribution && t.against === 'baseline')
  const d = of?.distribution
  const beside = parts.length > 0 || d !== undefined || (shown?.bursts.length ?? 0) > 0
  return (
    <section className={`${classes.panel} ${beside ? classes.columns : classes.stack}`} aria-label={metricTitle(track)} id="metric">
      <div className={`card ${classes.stack}`}>
        <div className={classes.between}>
          <h2 className={classes.heading}>
            {metricTitle(track)} <Text span className="quiet" size="sm">{[whereText(segment ?? ''), aspect(track)].filter(Boolean).join(', ')}</Text>
          </h2>
          {segment && <Button size="compact-sm" variant="default" className="no-print" onClick={() => choose(key)}>Back to all traffic</Button>}
        </div>
        {c && c.effect.ratio !== null && <Text size="sm"><b>{effectText(c, c.effect)}</b>{hasInterval(c) && `, ${intervalText(c.effect)}`}.</Text>}
        {shown ? <TrackCharts track={shown} frame={frame} versions={versions} /> : waiting ?? <Text className="quiet">Nothing is known of this segment.</Text>}
        {shown && <Raw track={shown} />}
      </div>
      {beside && (
        <div className={classes.stack}>
          {parts.map((p) => (
            <div className="card" key={p.name}>
              <Forest name={p.name} rows={p.rows} tolerated={toleratedRatio(track)} chosen={segment} choose={(s) => choose(key, s)} />
            </div>
          ))}
          {d && of && <div className="card"><Latency distribution={d} title={[metricTitle(of), of.segment && whereText(of.segment)].filter(Boolean).join(' ')} /></div>}
          {shown && shown.bursts.length > 0 && <Bursts track={shown} />}
        </div>
      )}
    </section>
  )
})
