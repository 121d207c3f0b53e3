import { Title } from '@mantine/core'

/** ReleasePage. */
export function ReleasePage() {
  return <Title order={1}>ReleasePage</Title>
}
