import { SegmentedControl } from '@mantine/core'
import { memo, useMemo, useState } from 'react'

import type { Side, Track } from '../api/course'
import { DataTable } from '../parts/DataTable'
import { Explain } from '../parts/Explain'
import { aspect, outOf, samplesText, whereText } from '../words/effect'
import { none, short } from '../words/number'
import { clock } from '../words/time'
import classes from './charts.module.css'
import { Numbers } from './Numbers'
import { armsPicture, type Frame, type View } from './pictures'
import { grain, pooled } from './pool'
import { Plot } from './Plot'
import { Arm, Readout } from './Readout'

type ArmsProps = { track: Track; frame: Frame; versions: { baseline: string; candidate: string }; totals?: { baseline: Side; candidate: Side }; height?: number }

/** Both arms over time. */
export const Arms = memo(function Arms({ track, frame, versions, totals, height = 240 }: ArmsProps) {
  const [view, setView] = useState<View>('share')
  const shown = useMemo(() => (view === 'share' ? pooled(track, grain(track)) : track), [track, view])
  const picture = useMemo(() => armsPicture(track, shown, frame, view), [track, shown, frame, view])
  const write = picture.y.write
  const column = (arm: 'baseline' | 'candidate') => picture.traces[arm === 'baseline' ? 0 : 1]?.values ?? []
  const said = (arm: 'baseline' | 'candidate', i: number) => {
    const value = column(arm)[i]
    const of = outOf(track, { n: shown[arm].n[i] ?? 0, events: shown[arm].events[i] ?? 0 })
    return `${arm} ${value === null || value === undefined ? none : write(value)}${of && view === 'share' ? ` (${of})` : ''}`
  }
  const legend = (arm: 'baseline' | 'candidate') => `${arm} ${versions[arm]}${totals && totals[arm].n > 0 ? ` · ${samplesText(track.kind, totals[arm].n)}` : ''}`
  return (
    <figure className={classes.figureBox}>
      {track.baseline.p99 && (
        <SegmentedControl
          size="xs" className={`${classes.views} no-print`} aria-label="What of the distribution is shown" value={view} onChange={(v) => setView(v as View)}
          data={[{ value: 'share', label: `share ${aspect({ ...track, against: 'baseline' }) || 'beyond its bound'}` }, { value: 'p50', label: 'median' }, { value: 'p99', label: 'p99' }]}
        />
      )}
      <Readout
        time={shown.time} lines={frame.lines} every={0}
        legend={<>
          <Arm arm="baseline">{legend('baseline')}</Arm><Arm arm="candidate">{legend('candidate')}</Arm>
          {picture.zone && <span className={classes.key}><span className={classes.band} aria-hidden />baseline of {track.history.length} earlier releases <Explain what="history" /></span>}
        </>}
        at={(i) => <><Arm arm="baseline">{said('baseline', i)}</Arm><Arm arm="candidate">{said('candidate', i)}</Arm></>}
      />
      <Plot picture={picture} height={height} label={`${track.metric} ${whereText(track.segment)}, baseline and candidate over time: at the end ${said('baseline', shown.time.length - 1)}, ${said('candidate', shown.time.length - 1)}`} />
      <Numbers>{() => (
        <DataTable
          caption={`${track.metric}, both arms over time`} hideCaption id={(i) => i} rows={shown.time.map((_, i) => i)}
          columns={[
            { head: 'until', cell: (i) => clock(new Date(shown.time[i] ?? 0)), as: 'whole', names: true },
            { head: 'baseline', cell: (i) => write(column('baseline')[i] ?? NaN), as: 'number' },
            { head: 'n', cell: (i) => short(shown.baseline.n[i]), as: 'number' },
            { head: 'candidate', cell: (i) => write(column('candidate')[i] ?? NaN), as: 'number' },
            { head: 'n', cell: (i) => short(shown.candidate.n[i]), as: 'number' },
          ]}
        />
      )}</Numbers>
    </figure>
  )
})
