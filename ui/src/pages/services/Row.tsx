import { Tooltip } from '@mantine/core'
import { IconArrowBackUp, IconCheck, IconHandStop, IconPlayerPlay } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'

import type { Schemas } from '../../api/client'
import css from './Row.module.css'

const signs = {
  running: { sign: IconPlayerPlay, word: 'running', colour: css.running },
  promoted: { sign: IconCheck, word: 'promoted', colour: css.promoted },
  'rolled-back': { sign: IconArrowBackUp, word: 'rolled back', colour: css.back },
  aborted: { sign: IconHandStop, word: 'aborted', colour: css.aborted },
} satisfies Record<Schemas['PastRelease']['outcome'], unknown>

/** A service's last releases in one row of signs; each leads to its release. */
export function Row({ releases }: { releases: readonly Schemas['PastRelease'][] }) {
  return (
    <ul className={css.row}>
      {releases.map((r) => {
        const { sign: Sign, word, colour } = signs[r.outcome]
        const label = `${r.name}${r.attempt > 1 ? `, attempt ${r.attempt}` : ''}: ${word}`
        return (
          <li key={`${r.name}/${r.attempt}`}>
            <Tooltip label={label} withArrow>
              <Link to="/releases/$name/$attempt" params={{ name: r.name, attempt: String(r.attempt) }} className={`${css.sign} ${colour}`} aria-label={label}><Sign size={14} stroke={2.4} aria-hidden /></Link>
            </Tooltip>
          </li>
        )
      })}
    </ul>
  )
}
