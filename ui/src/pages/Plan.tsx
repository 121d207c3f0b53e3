import { Title } from '@mantine/core'

/** Plan. */
export function Plan() {
  return <Title order={1}>Plan</Title>
}
