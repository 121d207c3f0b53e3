import { Stack, Text, TextInput, Title } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useState } from 'react'

import type { Schemas } from '../../api/client'
import { useServices } from '../../api/releases'
import { DataTable, type Column } from '../../parts/DataTable'
import { Explain } from '../../parts/Explain'
import { ReleaseLink, TextLink } from '../../parts/links'
import { Empty, Loading, Wrong } from '../../parts/states'
import { useTitle } from '../../parts/title'
import { count, percentOf } from '../../words/number'
import { endedOf, promotionRate } from '../../words/service'
import { duration } from '../../words/time'
import { Row } from './Row'

type Service = Schemas['Service']

const columns: Column<Service>[] = [
  {
    head: 'Service', names: true,
    cell: (s) => (
      <>
        <TextLink to="/services/$service" params={{ service: s.service }} search={{ team: s.team || undefined, environment: s.environment || undefined }} c="inherit" inherit fw={600}>{s.service}</TextLink>
        <Text size="xs" className="quiet">{[s.environment, s.team].filter(Boolean).join(' · ')}</Text>
      </>
    ),
  },
  { head: 'Now', label: 'now', cell: (s) => (s.running ? <><ReleaseLink name={s.running.name} attempt={s.running.attempt} /> <span className="quiet">{s.running.phase}, {percentOf(s.running.weight_percent)}</span></> : <span className="quiet">nothing runs</span>) },
  { head: 'Last releases, the newest first', cell: (s) => <Row releases={s.releases} /> },
  { head: <>Promoted <Explain what="promotionRate" /></>, label: 'promoted', as: 'number', cell: (s) => <>{promotionRate(s.counts)} <span className="quiet">of {count(endedOf(s.counts))}</span></> },
  { head: <>To production <Explain what="timeToProduction" /></>, label: 'to production', as: 'number', cell: (s) => duration(s.to_production?.median_s ?? NaN) },
  { head: <>False alarms <Explain what="falseAlarm" /></>, label: 'false alarms', as: 'number', cell: (s) => count(s.assessments.false_alarm) },
]

/** All services, and how their releases go. */
export function Services() {
  useTitle('Services')
  const services = useServices()
  const [text, write] = useState('')
  const all = services.data?.items ?? []
  const fits = all.filter((s) => [s.service, s.team, s.environment].some((t) => t.toLowerCase().includes(text.trim().toLowerCase())))
  return (
    <Stack gap="lg">
      <Title order={1} size="h2">Services</Title>
      {services.error && <Wrong error={services.error} again={() => void services.refetch()} />}
      {services.isLoading && <Loading lines={8} />}
      {services.data && all.length === 0 && <Empty title="No services yet">A service is listed as soon as it has a release. See the <TextLink to="/">releases</TextLink>.</Empty>}
      {all.length > 0 && (
        <>
          <TextInput type="search" aria-label="Search services" placeholder="Search" maw={320} leftSection={<IconSearch size={16} aria-hidden />} value={text} onChange={(e) => write(e.currentTarget.value)} />
          {fits.length === 0 ? <Empty title="No service fits">None of {count(all.length)} has “{text}” in its name, team or environment.</Empty> : (
            <div className="card"><DataTable caption="Services" hideCaption stack columns={columns} rows={fits} id={(s) => JSON.stringify([s.service, s.team, s.environment])} /></div>
          )}
        </>
      )}
    </Stack>
  )
}
