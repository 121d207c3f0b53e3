import { Group, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { client, take, type Schemas } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { Explain } from '../../parts/Explain'
import { Loading, Wrong } from '../../parts/states'
import { counted } from '../../words/number'
import { levelOf, noiseName } from '../../words/noise'

type Metric = Schemas['MetricNoise']

const columns: Column<Metric>[] = [
  { head: 'Metric', names: true, cell: (m) => noiseName(m) },
  { head: 'Usual level', label: 'usual level', as: 'number', cell: (m) => levelOf(m.kind, m.median) },
  { head: '8 of 10 releases between', label: '8 of 10 between', as: 'number', cell: (m) => `${levelOf(m.kind, m.low)} and ${levelOf(m.kind, m.high)}` },
  { head: 'Seen in', label: 'seen in', as: 'number', cell: (m) => counted(m.levels.length, 'release') },
]

/** How much each metric of a service differs from release to release while nothing is wrong. */
export function Noise({ service, team, environment }: { service: string; team: string; environment: string }) {
  const told = useQuery({
    queryKey: ['noise', service, team, environment],
    queryFn: ({ signal }) => take(client.GET('/v1/services/{service}', { signal, params: { path: { service }, query: { team, environment } } })),
    staleTime: 60_000, refetchInterval: (q) => (q.state.data?.items.some((i) => i.metrics_missing) ? 3_000 : false),
  })
  const one = told.data?.items.find((i) => i.team === team && i.environment === environment)
  return (
    <section className="card" aria-label="Usual noise of the metrics">
      <Group gap={2} mb="xs"><Title order={2} size="h4">Usual noise of its metrics</Title><Explain what="noise" /></Group>
      {told.error && <Wrong error={told.error} again={() => void told.refetch()} />}
      {told.isLoading && <Loading lines={3} />}
      {one && one.metrics.length === 0 && <Text size="sm" className="quiet">Told once releases have ended that measured the same.</Text>}
      {one && one.metrics.length > 0 && <DataTable caption="What the baseline did in the last releases" hideCaption stack columns={columns} rows={one.metrics} id={(m) => `${m.metric} ${m.kind} ${m.worse}`} />}
    </section>
  )
}
