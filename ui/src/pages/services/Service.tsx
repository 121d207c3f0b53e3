import { Stack, Text, Title } from '@mantine/core'
import { useParams, useSearch } from '@tanstack/react-router'

import type { Schemas } from '../../api/client'
import { useEnded, useRunning, useServices } from '../../api/releases'
import { Fact, Facts } from '../../parts/Fact'
import { ButtonLink, TextLink } from '../../parts/links'
import { Empty, Loading, Wrong } from '../../parts/states'
import { useTitle } from '../../parts/title'
import { count, counted } from '../../words/number'
import { endedOf, promotionRate } from '../../words/service'
import { duration } from '../../words/time'
import { Recent } from '../releases/Recent'
import { Running } from '../releases/Running'
import { Noise } from './Noise'

type One = Schemas['Service']

/** One service: how its releases go, what runs and what ran. */
export function ServicePage() {
  const { service } = useParams({ from: '/services/$service' })
  useTitle(service)
  const { team, environment } = useSearch({ from: '/services/$service' })
  const wanted = { service, team, environment }
  const services = useServices()
  const running = useRunning(wanted, 20)
  const ended = useEnded(wanted, undefined, 20)
  const mine = (services.data?.items ?? []).filter((s) => s.service === service && (!team || s.team === team) && (!environment || s.environment === environment))
  const known = mine.length > 0 || !!running.data?.items.length || !!ended.data?.items.length
  const error = services.error ?? running.error ?? ended.error
  return (
    <Stack gap="lg">
      <div>
        <Title order={1} size="h2">{service}</Title>
        <Text className="quiet">{[environment, team].filter(Boolean).join(' · ')}</Text>
      </div>
      {error && <Wrong error={error} again={() => void Promise.all([services.refetch(), running.refetch(), ended.refetch()])} />}
      {services.isLoading && <Loading lines={6} />}
      {services.data && !known && !running.isLoading && !ended.isLoading && !error && <Empty title="No such service">No release that you may see is of {service}. <TextLink to="/services">All services</TextLink></Empty>}
      {mine.map((s) => <Figures key={JSON.stringify([s.team, s.environment])} of={s} named={mine.length > 1} />)}
      {known && running.data && running.data.items.length > 0 && (
        <section aria-labelledby="running"><Title order={2} size="h4" id="running" mb="xs">Running</Title><Running releases={running.data.items} /></section>
      )}
      {mine.length === 1 && <Noise service={service} team={mine[0]!.team} environment={mine[0]!.environment} />}
      {known && ended.data && (
        <section aria-labelledby="ended">
          <Title order={2} size="h4" id="ended" mb="xs">Ended</Title>
          <Recent releases={ended.data.items} />
          {ended.data.next && <ButtonLink mt="sm" variant="default" size="sm" to="/" search={{ ...wanted, before: ended.data.next }}>Older</ButtonLink>}
        </section>
      )}
    </Stack>
  )
}

function Figures({ of, named }: { of: One; named: boolean }) {
  const { counts, to_production: took, assessments: said } = of
  const name = [of.environment, of.team].filter(Boolean).join(' · ') || 'without environment and team'
  const judged = said.false_alarm + said.right + said.missed_harm
  return (
    <section className="card" aria-label={`Figures${named ? `, ${name}` : ''}`}>
      {named && <Title order={2} size="h5" mb="sm">{name}</Title>}
      <Facts>
        <Fact name="Promoted" what="promotionRate" note={endedOf(counts) > 0 ? `${count(counts.promoted)} of ${counted(endedOf(counts), 'release')} that ended` : 'none has ended yet'}>{promotionRate(counts)}</Fact>
        <Fact name="Time to production" what="timeToProduction" note={took && `${took.releases > 1 ? `9 of 10 within ${duration(took.p90_s)}, ` : ''}of the last ${took.releases > 1 ? counted(took.releases, 'promoted release') : 'promoted release'}`}>{duration(took?.median_s ?? NaN)}</Fact>
        <Fact name="Rolled back">{count(counts.rolled_back)}</Fact>
        <Fact name="Aborted by people">{count(counts.aborted)}</Fact>
        <Fact name="False alarms" what="falseAlarm" note={judged > 0 ? `of ${counted(judged, 'release')} that people judged` : 'nobody has judged any yet'}>{count(said.false_alarm)}</Fact>
        <Fact name="Missed harm" what="missedHarm">{count(said.missed_harm)}</Fact>
      </Facts>
    </section>
  )
}
