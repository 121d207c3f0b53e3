import { Title, UnstyledButton } from '@mantine/core'
import { IconX } from '@tabler/icons-react'

import type { Schemas } from '../../api/client'
import { counted } from '../../words/number'
import css from './Plan.module.css'

type Fault = Schemas['Fault']

/** All that is wrong with a file; a click goes to the place. */
export function Faults({ faults, go }: { faults: readonly Fault[]; go: (line: number, column?: number) => void }) {
  return (
    <section className="card" aria-labelledby="faults" role="status">
      <Title order={2} size="h4" id="faults" mb="xs"><IconX size={18} color="var(--bad)" aria-hidden /> {counted(faults.length, 'error')}</Title>
      <ul className={css.faults}>
        {faults.map((f, i) => (
          <li key={i}>
            <UnstyledButton className={css.fault} onClick={() => go(f.line ?? 1, f.column)}>
              {f.line && <span className={css.at}>Line {f.line}{f.column ? `, column ${f.column}` : ''}: </span>}
              {f.path && <code>{f.path}</code>} {f.problem}{f.hint && <span className="quiet"> – {f.hint}</span>}
            </UnstyledButton>
          </li>
        ))}
      </ul>
    </section>
  )
}
