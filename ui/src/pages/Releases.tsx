import { Title } from '@mantine/core'

/** Releases. */
export function Releases() {
  return <Title order={1}>Releases</Title>
}
