import { SegmentedControl } from '@mantine/core'
import { memo, useMemo, useState } from 'react'

import type { Side, Track } from '../api/course'
import { DataTable } from '../parts/DataTable'
import { aspect, boundText, outOf, samplesText, valueText, whereText } from '../words/effect'
import { none, short } from '../words/number'
import { clock } from '../words/time'
import classes from './charts.module.css'
import { Numbers } from './Numbers'
import { armsPicture, type Frame, type View } from './pictures'
import { Plot } from './Plot'
import { Arm, Readout } from './Readout'

type ArmsProps = { track: Track; frame: Frame; versions: { baseline: string; candidate: string }; totals?: { baseline: Side; candidate: Side }; height?: number }

/** Both arms over time. */
export const Arms = memo(function Arms({ track, frame, versions, totals, height = 220 }: ArmsProps) {
  const [view, setView] = useState<View>('share')
  const picture = useMemo(() => armsPicture(track, frame, view), [track, frame, view])
  const write = picture.y.write
  const column = (arm: 'baseline' | 'candidate') => picture.traces[arm === 'baseline' ? 0 : 1]?.values ?? []
  const said = (arm: 'baseline' | 'candidate', i: number) => {
    const value = column(arm)[i]
    const of = outOf(track.kind, { n: track[arm].n[i] ?? 0, events: track[arm].events[i] ?? 0 })
    return `${arm} ${value === null || value === undefined ? none : write(value)}${of && view === 'share' ? ` (${of})` : ''}`
  }
  const legend = (arm: 'baseline' | 'candidate') => `${arm} ${versions[arm]}${totals && totals[arm].n > 0 ? ` · ${samplesText(track.kind, totals[arm].n)}` : ''}`
  return (
    <figure className={classes.figureBox}>
      {track.baseline.p99 && (
        <SegmentedControl
          size="xs" className="no-print" aria-label="What of the distribution is shown" value={view} onChange={(v) => setView(v as View)}
          data={[{ value: 'share', label: `share ${aspect({ ...track, against: 'baseline' }) || 'beyond its bound'}` }, { value: 'p50', label: 'median' }, { value: 'p99', label: 'p99' }]}
        />
      )}
      <Readout
        time={track.time} lines={frame.lines} every={0}
        legend={<>
          <Arm arm="baseline">{legend('baseline')}</Arm><Arm arm="candidate">{legend('candidate')}</Arm>
          {picture.zone && <span className={classes.key}><span className={classes.band} aria-hidden />baseline of {track.history.length} earlier releases</span>}
        </>}
        at={(i) => <><Arm arm="baseline">{said('baseline', i)}</Arm><Arm arm="candidate">{said('candidate', i)}</Arm></>}
      />
      <Plot picture={picture} height={height} label={`${track.metric} ${whereText(track.segment)}, baseline and candidate over time: now ${said('baseline', track.time.length - 1)}, ${said('candidate', track.time.length - 1)}`} />
      <Numbers>{() => (
        <DataTable
          caption={`${track.metric}, both arms over time`} hideCaption id={(i) => i} rows={track.time.map((_, i) => i)}
          columns={[
            { head: 'until', cell: (i) => clock(new Date(track.time[i] ?? 0)), as: 'whole', names: true },
            { head: 'baseline', cell: (i) => valueText(track, track.baseline.value[i]), as: 'number' },
            { head: 'n', cell: (i) => short(track.baseline.n[i]), as: 'number' },
            { head: 'candidate', cell: (i) => valueText(track, track.candidate.value[i]), as: 'number' },
            { head: 'n', cell: (i) => short(track.candidate.n[i]), as: 'number' },
            ...(track.baseline.p99 ? [
              { head: 'baseline p99', cell: (i: number) => boundText(track.baseline.p99?.[i] ?? NaN, track.unit), as: 'number' as const },
              { head: 'candidate p99', cell: (i: number) => boundText(track.candidate.p99?.[i] ?? NaN, track.unit), as: 'number' as const },
            ] : []),
          ]}
        />
      )}</Numbers>
    </figure>
  )
})
