import type { Track } from '../../api/course'
import { useMoment } from '../../charts/moment'
import { Explain } from '../../parts/Explain'
import { count, number } from '../../words/number'
import { clock, duration } from '../../words/time'
import classes from './release.module.css'

/** When errors came in bursts; each leads the charts to its time. */
export function Bursts({ bursts, kind }: { bursts: Track['bursts']; kind: string }) {
  const moment = useMoment()
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
                {count(b.candidate.events)} of {count(b.candidate.n)} {kind === 'histogram' ? 'slow' : 'bad'}, where the baseline’s rate gives {number(b.expected)}
              </span>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
