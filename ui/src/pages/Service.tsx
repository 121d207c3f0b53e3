import { Title } from '@mantine/core'

/** Service. */
export function ServicePage() {
  return <Title order={1}>Service</Title>
}
