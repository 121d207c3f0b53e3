import type { ReactNode } from 'react'

import type { Explained } from '../words/explain'
import { Explain } from './Explain'
import css from './Fact.module.css'

/** Facts beside each other; each is a Fact. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={css.facts}>{children}</dl>
}

/** One figure with its name, what else there is to say of it, and what it means. */
export function Fact({ name, children, note, what }: { name: string; children: ReactNode; note?: ReactNode; what?: Explained }) {
  return (
    <div className={css.fact}>
      <dt>{name}{what && <Explain what={what} />}</dt>
      <dd>{children}{note && <span className={css.note}>{note}</span>}</dd>
    </div>
  )
}
