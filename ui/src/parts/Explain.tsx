import { Popover, Stack, Text, UnstyledButton } from '@mantine/core'

import { explanations, type Explained } from '../words/explain'
import css from './Explain.module.css'

/** A "?" beside a word or number, which opens a short plain explanation of it. */
export function Explain({ what }: { what: Explained }) {
  const { title, text } = explanations[what]
  return (
    <Popover width={320} position="bottom-start" shadow="md" withArrow trapFocus returnFocus>
      <Popover.Target>
        <UnstyledButton className={css.mark} aria-label={`What is this: ${title}`}><span className={css.disc} aria-hidden>?</span></UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={title}>
        <Stack gap={6} tabIndex={-1} data-autofocus>
          <Text size="sm" fw={650}>{title}</Text>
          {text.map((t) => <Text key={t} size="sm">{t}</Text>)}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}
