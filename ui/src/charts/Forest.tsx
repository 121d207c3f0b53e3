import { memo } from 'react'

import type { Standing } from '../api/course'
import { DataTable } from '../parts/DataTable'
import { Explain } from '../parts/Explain'
import { outOf, segmentText, valueText } from '../words/effect'
import { span, times } from '../words/number'
import classes from './charts.module.css'
import { along } from './distribution'
import { forestRange, place } from './forest'
import { Numbers } from './Numbers'
import { ratioText } from './pictures'
import { ratioTicks } from './scale'

type ForestProps = { name: string; rows: Standing[]; chosen?: string; choose?: (segment: string | undefined) => void; tolerated?: number }

/** The segments of a dimension beside each other, the worst first; a row leads to its own track. */
export const Forest = memo(function Forest({ name, rows, chosen, choose, tolerated }: ForestProps) {
  const range = forestRange(rows.map((r) => r.effect))
  const at = (x: number) => `${100 * along(x, range[0], range[1])}%`
  return (
    <figure className={classes.figureBox}>
      <figcaption className={classes.caption}>By {name} <Explain what="segments" /></figcaption>
      <div className={classes.forest}>
        {rows.map((r) => (
          <Row key={r.segment} row={r} range={range} at={at} tolerated={tolerated} chosen={chosen === r.segment} choose={choose && (() => choose(chosen === r.segment ? undefined : r.segment))} />
        ))}
        <div className={`${classes.row} ${classes.axisRow}`} aria-hidden>
          <span />
          <span className={classes.axis}>{axis(range).map((t, i, all) => <span key={t} className={`${classes.tick} ${(i - all.indexOf(1)) % 2 ? classes.minor : ''}`} style={{ left: at(t) }}>{ratioText(t)}</span>)}</span>
          <span />
        </div>
      </div>
      <Numbers>{() => (
        <DataTable
          caption={`By ${name}`} hideCaption id={(r) => r.segment} rows={rows}
          columns={[
            { head: name, cell: (r) => segmentText(r.segment), names: true },
            { head: 'verdict', cell: (r) => r.verdict },
            { head: 'baseline', cell: (r) => valueText(r, r.baseline.value), as: 'number' },
            { head: 'of', cell: (r) => outOf(r, r.baseline), as: 'number' },
            { head: 'candidate', cell: (r) => valueText(r, r.candidate.value), as: 'number' },
            { head: 'of', cell: (r) => outOf(r, r.candidate), as: 'number' },
            { head: 'effect', cell: (r) => times(r.effect.ratio), as: 'number' },
            { head: '95 %', cell: (r) => span(r.effect.low, r.effect.high, times), as: 'number' },
          ]}
        />
      )}</Numbers>
    </figure>
  )
})

/** Few enough ticks that their words stand apart. */
function axis(range: [number, number]): number[] {
  const all = ratioTicks(range[0], range[1])
  const step = Math.ceil(all.length / 5)
  const middle = all.indexOf(1)
  return all.filter((_, i) => (i - middle) % step === 0)
}

type RowProps = { row: Standing; range: [number, number]; at: (x: number) => string; tolerated?: number; chosen: boolean; choose?: () => void }

function Row({ row, range, at, tolerated, chosen, choose }: RowProps) {
  const p = place(row.effect, range)
  const value = row.segment.split('=').slice(1).join('=') || row.segment
  const body = (
    <>
      <span className={classes.name} title={segmentText(row.segment)}>{value}{row.verdict === 'fail' && <b className={classes.failWord}> fail</b>}</span>
      <span className={classes.lane} aria-hidden>
        <span className={classes.one} style={{ left: at(1) }} />
        {tolerated !== undefined && <span className={classes.tolerated} style={{ left: at(tolerated) }} />}
        {p.point !== null && <>
          <span className={classes.interval} style={{ left: `${p.from}%`, width: `${Math.max(0.5, p.to - p.from)}%` }} />
          <span className={classes.dot} style={{ left: `${p.point}%` }} />
        </>}
      </span>
      <span className={classes.figure}>{times(row.effect.ratio)} <span className="quiet">{bounds(row)}</span><span className="visually-hidden">; shows its track</span></span>
    </>
  )
  const look = `${classes.row} ${row.verdict === 'fail' ? classes.failed : ''}`
  if (!choose) return <div className={look}>{body}</div>
  return <button type="button" className={look} aria-pressed={chosen} onClick={choose}>{body}</button>
}

function bounds(r: Standing): string {
  const { low, high } = r.effect
  if (low === null && high === null) return ''
  return `[${low === null ? '0' : times(low).slice(0, -1)}, ${high === null ? '∞' : times(high).slice(0, -1)}]`
}
