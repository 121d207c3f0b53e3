import { Title } from '@mantine/core'

/** Services. */
export function Services() {
  return <Title order={1}>Services</Title>
}
