import { Alert, Anchor, Button, Center, Skeleton, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'

import { Failure } from '../api/client'
import { useLine } from '../api/live'
import { loginURL, useMe } from '../api/me'
import { sentence } from '../words/text'
import { At } from './time'
import { useTitle } from './title'

/** Says that the connection is lost, since when, and that what is shown may be old. */
export function Stale() {
  const line = useLine()
  const me = useMe()
  if (line.state !== 'lost' || (me.error instanceof Failure && me.error.status === 401)) return null // who is not logged in is told so
  return (
    <Alert color="amber" role="status" mb="md" title="The connection to Linnet is lost">
      Since <At time={line.since} />. What is shown may be old; releases go on without this page. It connects again by itself.
    </Alert>
  )
}

/** Where there is nothing: what would be here, and how it comes here. */
export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Center mih={180}>
      <Stack gap={6} align="center" maw={460} ta="center">
        <Title order={3} size="h4">{title}</Title>
        <Text className="quiet" component="div">{children}</Text>
      </Stack>
    </Center>
  )
}

/** While something is awaited: as high as what will come. */
export function Loading({ lines = 4 }: { lines?: number }) {
  return (
    <Stack gap="sm" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => <Skeleton key={i} height={28} radius="sm" />)}
    </Stack>
  )
}

/** What went wrong, in its own words, and what can be done. */
export function Wrong({ error, again }: { error: Error; again?: () => void }) {
  if (error instanceof Failure && error.status === 401) {
    return <Empty title="You are not logged in"><Anchor href={loginURL()}>Log in</Anchor> to see this.</Empty>
  }
  return (
    <Alert color="red" role="alert" title={title(error)}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{sentence(error.message)}</Text>
        {again && <Button size="compact-sm" variant="default" onClick={again}>Try again</Button>}
      </Stack>
    </Alert>
  )
}

function title(error: Error): string {
  if (!(error instanceof Failure)) return 'This part of the page failed'
  switch (error.status) {
    case 0: return 'Linnet does not answer'
    case 403: return 'You may not see this'
    case 404: return 'There is no such thing'
  }
  return 'This could not be read'
}

/** A path that no page has. */
export function Lost() {
  useTitle('No such page')
  return <Empty title="There is no such page">The <Anchor component={Link} to="/">list of releases</Anchor> is a good place to go on from.</Empty>
}
