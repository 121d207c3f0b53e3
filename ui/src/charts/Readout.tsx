import { useRef, type ReactNode } from 'react'

import { clock } from '../words/time'
import classes from './charts.module.css'
import { useInView } from './inView'
import { near, type Line } from './marks'
import { useInstant, useRange } from './moment'
import { nearest } from './scale'

/** The line above a chart: what its lines are, and at the instant under the pointer what they say. */
export function Readout({ time, lines, every, legend, at }: { time: number[]; lines: Line[]; every: number; legend: ReactNode; at: (index: number) => ReactNode }) {
  const host = useRef<HTMLDivElement>(null)
  const instant = useInstant(useInView(host))
  const range = useRange()
  if (instant === null || time.length === 0) return <div ref={host} className={classes.readout}>{legend}</div>
  const index = nearest(time, instant)
  const span = range ?? [time[0] ?? 0, time[time.length - 1] ?? 0]
  const close = near(lines, instant, Math.max(every, (span[1] - span[0]) / 100))
  return (
    <div ref={host} className={classes.readout}>
      <b>{clock(new Date(time[index] ?? instant))}</b>
      {at(index)}
      {close.slice(0, 3).map((l, i) => <span key={i}>{l.title}</span>)}
    </div>
  )
}

/** What belongs to an arm: its colour, and its words beside it. */
export function Arm({ arm, children }: { arm: 'baseline' | 'candidate'; children: ReactNode }) {
  return <span className={`${classes.key} ${classes[arm]}`}><span className={classes.swatch} aria-hidden /><span>{children}</span></span>
}
