import { Title } from '@mantine/core'

/** Audit. */
export function Audit() {
  return <Title order={1}>Audit</Title>
}
