import { Tooltip } from '@mantine/core'

import { ago, clock, utc } from '../words/time'

/** A moment in the zone of whoever reads, with UTC on hover. */
export function At({ time, relative }: { time: Date | string | number; relative?: boolean }) {
  const at = new Date(time)
  return (
    <Tooltip label={relative ? `${clock(at)} · ${utc(at)}` : utc(at)} withArrow>
      <time dateTime={at.toISOString()} tabIndex={0}>{relative ? ago(at, new Date()) : clock(at)}</time>
    </Tooltip>
  )
}
