import { IconCheck, IconLock, IconPlayerPlayFilled, IconX } from '@tabler/icons-react'
import type { ReactNode } from 'react'

import { percentOf } from '../words/number'
import { railWords, spanText, stateWord, type Step, type StepState } from '../words/steps'
import css from './Rail.module.css'

const signs = { done: IconCheck, present: IconPlayerPlayFilled, stopped: IconX, ahead: undefined } satisfies Record<StepState, unknown>

/** The steps of a release from left to right; notes, where given, stand for the times in the file. */
export function Rail({ steps, notes }: { steps: readonly Step[]; notes?: readonly ReactNode[] }) {
  return (
    <ol className={`${css.rail} ${css.full}`} aria-label="Steps">
      {steps.map((s, i) => (
        <li key={i} className={`${css.step} ${css[s.state]}`} aria-current={s.state === 'present' ? 'step' : undefined}>
          <Weight step={s} />
          <span className={`${css.note} ${s.state === 'present' || s.state === 'stopped' ? css.strong : ''}`}>
            {notes?.[i] ?? [spanText(s), stateWord(s.state)].filter(Boolean).join(' · ')}
          </span>
          {s.approval && <span className={css.note}>{s.approval}</span>}
        </li>
      ))}
    </ol>
  )
}

/** The same in one line, for lists. */
export function SmallRail({ steps }: { steps: readonly Step[] }) {
  return (
    <div className={`${css.rail} ${css.compact}`} role="img" aria-label={`Steps: ${railWords(steps)}`}>
      {steps.map((s, i) => <div key={i} className={`${css.step} ${css[s.state]}`} title={s.approval}><Weight step={s} /></div>)}
    </div>
  )
}

function Weight({ step }: { step: Step }) {
  const Sign = signs[step.state] ?? (step.approval ? IconLock : undefined)
  return <span className={css.weight}>{Sign && <Sign className={css.sign} size={14} stroke={2.4} aria-hidden />}{percentOf(step.weight)}</span>
}
