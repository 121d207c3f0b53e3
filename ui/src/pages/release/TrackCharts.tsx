import { memo } from 'react'

import type { Side, Track } from '../../api/course'
import { Arms } from '../../charts/Arms'
import { EvidenceOverTime, Funnel } from '../../charts/Funnel'
import type { Frame } from '../../charts/pictures'
import { Scrub } from '../../charts/Scrub'
import classes from './release.module.css'

/** The versions that a page's charts name. */
export type Versions = { baseline: string; candidate: string }

/** A track over time: both arms, how much worse, how sure; one instant in all. */
export const TrackCharts = memo(function TrackCharts({ track, frame, versions }: { track: Track; frame: Frame; versions: Versions }) {
  if (track.time.length === 0) return <p className="quiet">Nothing was seen yet.</p>
  const totals: { baseline: Side; candidate: Side } | undefined = track.standing
  return (
    <div className={classes.stack}>
      <Arms track={track} frame={frame} versions={versions} totals={totals} />
      <Funnel track={track} frame={frame} />
      <EvidenceOverTime track={track} frame={frame} />
      {track.time.length > 1 && <Scrub time={track.time} />}
    </div>
  )
})
