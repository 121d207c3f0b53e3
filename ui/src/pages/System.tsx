import { Title } from '@mantine/core'

/** System. */
export function System() {
  return <Title order={1}>System</Title>
}
