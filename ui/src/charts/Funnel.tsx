import { memo, useMemo } from 'react'

import type { Track } from '../api/course'
import { DataTable } from '../parts/DataTable'
import { Explain } from '../parts/Explain'
import { intervalText, whereText } from '../words/effect'
import { percent, times } from '../words/number'
import { clock } from '../words/time'
import classes from './charts.module.css'
import { Numbers } from './Numbers'
import { evidencePicture, funnelPicture, type Frame } from './pictures'
import { Plot } from './Plot'
import { Readout } from './Readout'

type Props = { track: Track; frame: Frame; height?: number }

/** How much worse, with the interval that narrows as requests arrive. */
export const Funnel = memo(function Funnel({ track, frame, height = 170 }: Props) {
  const picture = useMemo(() => funnelPicture(track, frame), [track, frame])
  if (!picture) return null
  const said = (i: number) => `${times(track.ratio[i])}, ${intervalText({ ratio: track.ratio[i] ?? null, low: track.low[i] ?? null, high: track.high[i] ?? null })}`
  return (
    <figure className={classes.figureBox}>
      <figcaption className={classes.caption}>How much worse, and how sure <Explain what="funnel" /></figcaption>
      <Readout
        time={track.time} lines={[]} every={0}
        legend={<><span className={`${classes.key} ${classes.candidate}`}><span className={classes.swatch} aria-hidden />best estimate</span><span className={classes.key}><span className={classes.zone} aria-hidden />it lies in here with 95 %, at every look at once</span></>}
        at={(i) => <span>{said(i)}</span>}
      />
      <Plot picture={picture} height={height} label={`How much worse the candidate is, ${track.metric} ${whereText(track.segment)}: at the end ${said(track.time.length - 1)}`} />
      <Numbers>{() => (
        <DataTable
          caption={`${track.metric}, effect over time`} hideCaption id={(i) => i} rows={track.time.map((_, i) => i)}
          columns={[
            { head: 'until', cell: (i) => clock(new Date(track.time[i] ?? 0)), as: 'whole', names: true },
            { head: 'effect', cell: (i) => times(track.ratio[i]), as: 'number' },
            { head: 'at least', cell: (i) => times(track.low[i]), as: 'number' },
            { head: 'at most', cell: (i) => times(track.high[i]), as: 'number' },
          ]}
        />
      )}</Numbers>
    </figure>
  )
})

/** How sure it is, on the way to what is enough. */
export const EvidenceOverTime = memo(function EvidenceOverTime({ track, frame, height = 130 }: Props) {
  const picture = useMemo(() => evidencePicture(track, frame), [track, frame])
  if (!picture) return null
  const said = (i: number) => `harm ${percent(track.evidence[i])}, pass ${percent(track.evidence_for_pass[i])} of what is enough`
  return (
    <figure className={classes.figureBox}>
      <figcaption className={classes.caption}>Evidence, on the way to enough <Explain what="peeking" /></figcaption>
      <Readout
        time={track.time} lines={[]} every={0}
        legend={<><span className={classes.key}><span className={`${classes.swatch} ${classes.inkLine}`} aria-hidden />of harm</span><span className={classes.key}><span className={`${classes.swatch} ${classes.dashedLine}`} aria-hidden />for a pass</span></>}
        at={(i) => <span>{said(i)}</span>}
      />
      <Plot picture={picture} height={height} label={`Evidence over time, ${track.metric} ${whereText(track.segment)}: at the end ${said(track.time.length - 1)}`} />
      <Numbers>{() => (
        <DataTable
          caption={`${track.metric}, evidence over time`} hideCaption id={(i) => i} rows={track.time.map((_, i) => i)}
          columns={[
            { head: 'until', cell: (i) => clock(new Date(track.time[i] ?? 0)), as: 'whole', names: true },
            { head: 'of harm', cell: (i) => percent(track.evidence[i]), as: 'number' },
            { head: 'for a pass', cell: (i) => percent(track.evidence_for_pass[i]), as: 'number' },
          ]}
        />
      )}</Numbers>
    </figure>
  )
})
