import type { Track } from '../../api/course'
import { useMoment } from '../../charts/moment'
import { Explain } from '../../parts/Explain'
import { aspect, outOf } from '../../words/effect'
import { count, number } from '../../words/number'
import { clock, duration } from '../../words/time'
import classes from './release.module.css'

/** When errors came in bursts; each leads the charts to its time. */
export function Bursts({ track }: { track: Track }) {
  const moment = useMoment()
  const { bursts } = track
  const what = track.kind === 'histogram' ? aspect({ ...track, against: 'baseline' }) : track.kind === 'count' ? 'events' : 'bad'
  if (bursts.length === 0) return null
  return (
    <section className="card" aria-label="Bursts">
      <h3 className={classes.heading}>Bursts <Explain what="bursts" /></h3>
      <ul className={classes.list}>
        {bursts.map((b) => {
          const [from, to] = [new Date(b.from), new Date(b.to)]
          const room = to.getTime() - from.getTime()
          return (
            <li key={b.from}>
              <button type="button" className={classes.metric} onClick={() => moment.zoom([from.getTime() - 2 * room, to.getTime() + 2 * room])}>{clock(from)}, {duration(room / 1000)}</button>
              <span className={classes.small}>
                {track.kind === 'count' ? count(b.candidate.events) : outOf(track, b.candidate)} {what}, where the baseline’s rate gives {number(b.expected)}
              </span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
