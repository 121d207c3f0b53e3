import { memo, useMemo } from 'react'

import type { Track } from '../api/course'
import classes from './charts.module.css'
import { valueRange } from './scale'
import { path, thin } from './thin'

const width = 110
const height = 26

/** Both arms in the height of a line; the numbers stand beside it. */
export const Spark = memo(function Spark({ track }: { track: Track }) {
  const lines = useMemo(() => {
    const [baseline, candidate] = [thin(track.baseline.value, 48), thin(track.candidate.value, 48)]
    const range = valueRange([baseline, candidate], track.kind !== 'gauge')
    return [path(baseline, range, width, height), path(candidate, range, width, height)]
  }, [track])
  return (
    <svg className={classes.spark} width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden>
      <path d={lines[0]} className={classes.sparkBaseline} />
      <path d={lines[1]} className={classes.sparkCandidate} />
    </svg>
  )
})
