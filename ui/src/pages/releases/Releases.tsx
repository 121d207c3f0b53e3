import { Button, Code, Group, Stack, Title } from '@mantine/core'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'

import { useEnded, useRunning } from '../../api/releases'
import { ButtonLink, TextLink } from '../../parts/links'
import { Empty, Loading, Wrong } from '../../parts/states'
import { useTitle } from '../../parts/title'
import { counted } from '../../words/number'
import { Filters } from './Filters'
import { Recent } from './Recent'
import { Running } from './Running'

/** How many running releases are shown at first and how many more at a time, and how many the API gives at most. */
const runningPage = 50
const mostRunning = 500
/** How many ended ones stand on a page. */
const endedPage = 50

/** What runs now, and what ran lately. */
export function Releases() {
  useTitle('Releases')
  const { before, ...wanted } = useSearch({ from: '/' })
  const [most, more] = useState(runningPage)
  const running = useRunning(wanted, most, !before)
  const ended = useEnded(wanted, before, endedPage)
  const filtered = Object.values(wanted).some(Boolean)
  const runs = before ? [] : (running.data?.items ?? [])
  const past = wanted.outcome === 'running' ? [] : (ended.data?.items ?? [])
  const waits = (running.isLoading && !before) || ended.isLoading
  const error = running.error ?? ended.error
  if (!waits && !error && runs.length === 0 && past.length === 0 && !before) {
    return <Page>{filtered ? <NothingFits /> : <NothingYet />}</Page>
  }
  return (
    <Page>
      {running.error && <Wrong error={running.error} again={() => void running.refetch()} />}
      {!before && wanted.outcome !== 'promoted' && wanted.outcome !== 'rolled-back' && wanted.outcome !== 'aborted' && !running.error && (
        <section aria-labelledby="running">
          <Title order={2} size="h4" id="running" mb="xs">Running{running.data && runs.length > 0 ? `: ${running.data.next ? 'the last ' : ''}${counted(runs.length, 'release')}` : ''}</Title>
          {running.isLoading ? <Loading lines={6} /> : <Running releases={runs} />}
          {running.data?.next && most < mostRunning && <Button mt="sm" variant="default" onClick={() => more(most + runningPage)} loading={running.isPlaceholderData}>Show more that run</Button>}
        </section>
      )}
      {wanted.outcome !== 'running' && !(ended.error && running.error) && (
        <section aria-labelledby="ended">
          <Title order={2} size="h4" id="ended" mb="xs">{before ? 'Ended, older ones' : 'Ended'}</Title>
          {ended.error && <Wrong error={ended.error} again={() => void ended.refetch()} />}
          {ended.isLoading && <Loading lines={10} />}
          {ended.data && <Recent releases={past} />}
          <Pages before={before} next={ended.data?.next} />
        </section>
      )}
    </Page>
  )
}

function Page({ children }: { children: React.ReactNode }) {
  return <Stack gap="lg"><Title order={1} size="h2">Releases</Title><Filters />{children}</Stack>
}

function Pages({ before, next }: { before?: string; next?: string }) {
  if (!before && !next) return null
  const go = (to: string | undefined, text: string) => (
    <ButtonLink to="/" search={(s) => ({ ...s, before: to })} variant="default" size="sm">{text}</ButtonLink>
  )
  return <Group component="nav" aria-label="Pages of the list" mt="sm" gap="xs">{before && go(undefined, 'Newest')}{next && go(next, 'Older')}</Group>
}

function NothingFits() {
  const navigate = useNavigate({ from: '/' })
  return (
    <Empty title="No release fits">
      None that you may see is like this. <Button mt="sm" variant="default" onClick={() => void navigate({ search: {} })}>Show all releases</Button>
    </Empty>
  )
}

function NothingYet() {
  return (
    <Empty title="No releases yet">
      They appear here as they begin: <Code>linnet release create -f release.yaml</Code>. To see first what a release file would do, <TextLink to="/plan">plan it</TextLink>.
    </Empty>
  )
}
