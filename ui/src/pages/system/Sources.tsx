import { Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconCheck, IconMinus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'

import { client, take, type Schemas } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { Loading, Wrong } from '../../parts/states'
import { At } from '../../parts/time'
import { bytes, count, counted } from '../../words/number'
import { sentence } from '../../words/text'
import { duration } from '../../words/time'
import { Part } from './Part'
import css from './System.module.css'

type Source = Schemas['Source']
type Door = Schemas['Door']

const states = {
  answers: { sign: IconCheck, word: 'answers', colour: css.good },
  fails: { sign: IconAlertTriangle, word: 'fails', colour: css.bad },
  unasked: { sign: IconMinus, word: 'not asked yet', colour: 'quiet' },
} satisfies Record<Source['state'], unknown>

const sources: Column<Source>[] = [
  { head: 'Source', names: true, cell: (s) => <>{s.kind}{s.url && <Text size="xs" className="quiet">{s.url}</Text>}</> },
  { head: 'State', cell: (s) => <State of={s} /> },
  { head: 'Newest number', label: 'newest number', as: 'number', cell: (s) => (s.lag_s === undefined ? '–' : `${duration(s.lag_s)} old`) },
  { head: 'Answered', label: 'answered', as: 'whole', cell: (s) => (s.answered_at ? <At time={s.answered_at} relative /> : 'never') },
  { head: 'Asked for', as: 'text', cell: (s) => <>{s.services.join(', ')} <span className="quiet">({counted(s.releases, 'release')})</span></> },
]

function State({ of }: { of: Source }) {
  const { sign: Sign, word, colour } = states[of.state]
  return <><span className={`${css.state} ${colour}`}><Sign size={14} stroke={2.4} aria-hidden />{word}</span>{of.error && <Text size="sm">{of.since && <>Since <At time={of.since} />: </>}{sentence(of.error)}</Text>}</>
}

const refused = (d: Door) => Object.entries(d.refused)

const doors: Column<Door>[] = [
  { head: 'Service', names: true, cell: (d) => <>{d.service}<Text size="xs" className="quiet">{d.addresses.join(', ')}</Text></> },
  { head: 'State', as: 'text', cell: (d) => (Object.keys(d.ill).length > 0 ? Object.entries(d.ill).map(([part, what]) => <Text key={part} size="sm" c="var(--bad)">{part}: {sentence(what)}</Text>) : <span className={`${css.state} ${css.good}`}><IconCheck size={14} stroke={2.4} aria-hidden />works</span>) },
  { head: 'Taken', label: 'taken', as: 'number', cell: (d) => count(d.accepted) },
  { head: 'Refused', label: 'refused', cell: (d) => (refused(d).length === 0 ? '0' : refused(d).map(([code, n]) => `${count(n)} ${code}`).join(', ')) },
  { head: 'Quarantine', label: 'in quarantine', as: 'number', cell: (d) => (d.quarantined > 0 ? `${count(d.quarantined)} (${bytes(d.quarantine_bytes)})` : '0') },
  { head: 'Last came', label: 'last came', as: 'whole', cell: (d) => (d.received_at ? <At time={d.received_at} relative /> : 'nothing yet') },
]

/** Where releases get their numbers, and whether they do. */
export function SourcesPart() {
  const told = useQuery({ queryKey: ['sources'], queryFn: ({ signal }) => take(client.GET('/v1/sources', { signal })), refetchInterval: 10_000 })
  return (
    <Part title="Sources" fine={told.data && told.data.sources.length + told.data.doors.length === 0 ? 'No running release asks any.' : undefined}>
      {told.error && <Wrong error={told.error} again={() => void told.refetch()} />}
      {told.isLoading && <Loading lines={3} />}
      <Stack gap="md">
        {!!told.data?.sources.length && <div className="card"><DataTable caption="Metric sources that running releases ask" hideCaption stack columns={sources} rows={told.data.sources} id={(s) => JSON.stringify([s.kind, s.url, s.services])} /></div>}
        {!!told.data?.doors.length && <div className="card"><DataTable caption="Front doors, to which services send" stack columns={doors} rows={told.data.doors} id={(d) => JSON.stringify([d.service, d.addresses])} /></div>}
      </Stack>
    </Part>
  )
}
