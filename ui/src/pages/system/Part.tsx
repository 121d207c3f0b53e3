import { Text, Title } from '@mantine/core'
import { useId, type ReactNode } from 'react'

/** A part of the page with its title; where there is nothing to show, one line says that this is fine. */
export function Part({ title, fine, children }: { title: string; fine?: string; children?: ReactNode }) {
  const id = useId()
  return (
    <section aria-labelledby={id}>
      <Title order={2} size="h4" id={id} mb="xs">{title}</Title>
      {fine ? <Text className="quiet">{fine}</Text> : children}
    </section>
  )
}
