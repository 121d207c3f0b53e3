import { Button } from '@mantine/core'
import { useRef } from 'react'

import { clock } from '../words/time'
import classes from './charts.module.css'
import { useInView } from './inView'
import { useInstant, useMoment, useRange } from './moment'
import { nearest } from './scale'

/** Moves the instant that all charts show, by keyboard and by thumb; time has two instants at least. */
export function Scrub({ time }: { time: number[] }) {
  const moment = useMoment()
  const host = useRef<HTMLInputElement>(null)
  const at = useInstant(useInView(host))
  const range = useRange()
  const end = time.length - 1
  const index = at === null ? end : nearest(time, at)
  return (
    <>
      <input
        ref={host} className={`${classes.scrub} no-print`} type="range" min={0} max={end} value={index} aria-label="Instant shown in all charts"
        aria-valuetext={at === null ? 'none; all of the release' : clock(new Date(at))}
        onChange={(e) => moment.point(time[Number(e.currentTarget.value)] ?? null)} onBlur={() => moment.point(null)}
      />
      {range && <Button size="compact-xs" variant="default" onClick={() => moment.zoom(null)}>Show all of the time</Button>}
    </>
  )
}
