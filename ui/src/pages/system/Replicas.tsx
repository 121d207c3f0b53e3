import { Badge, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { client, Failure, take, type Schemas } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { Loading, Wrong } from '../../parts/states'
import { At } from '../../parts/time'
import { count, counted } from '../../words/number'
import { duration } from '../../words/time'
import { Part } from './Part'

type Replica = Schemas['Replica']

const columns: Column<Replica>[] = [
  { head: 'Process', names: true, cell: (r) => <>{r.name} {r.self && <Badge variant="default" size="sm">answers you</Badge>} {r.leader && <Badge variant="default" size="sm">leads</Badge>}</> },
  { head: 'State', as: 'whole', cell: (r) => (r.gone ? <>gone, seen <At time={r.seen} relative /></> : 'takes turns') },
  { head: 'Turns in a minute', label: 'turns in a minute', as: 'number', cell: (r) => count(r.turns_last_minute) },
  { head: 'Version', label: 'version', cell: (r) => r.version },
  { head: 'Began', label: 'began', as: 'whole', cell: (r) => <At time={r.started} relative /> },
]

/** The processes that take turns, and how their queue stands. */
export function ReplicasPart() {
  const told = useQuery({ queryKey: ['replicas'], queryFn: ({ signal }) => take(client.GET('/v1/replicas', { signal })), refetchInterval: 10_000 })
  const title = 'Processes and their queue'
  if (told.error instanceof Failure && told.error.status === 404) return <Part title={title} fine="This process runs its one release itself, without a queue." />
  return (
    <Part title={title}>
      {told.error && <Wrong error={told.error} again={() => void told.refetch()} />}
      {told.isLoading && <Loading lines={2} />}
      {told.data && (
        <div className="card">
          <Text size="sm" mb="sm">{queueText(told.data.queue)}</Text>
          <DataTable caption="Processes that take turns" hideCaption stack columns={columns} rows={told.data.items} id={(r) => r.name + r.started} />
        </div>
      )}
    </Part>
  )
}

function queueText(q: Schemas['Queue']): string {
  const late = q.waiting > 0 ? `${counted(q.waiting, 'turn')} due and not taken yet, the longest for ${duration(q.oldest_s)}` : 'No turn is kept waiting'
  return `${late}; ${count(q.running)} under way, ${count(q.scheduled)} to come${q.failed > 0 ? `, ${count(q.failed)} failed` : ''}.`
}
