import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { client, Failure, take, type Schemas } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { ReleaseLink } from '../../parts/links'
import { Loading, Wrong } from '../../parts/states'
import { At } from '../../parts/time'
import { sentence } from '../../words/text'
import { Part } from './Part'

type Notice = Schemas['Notice']

const columns: Column<Notice>[] = [
  { head: 'Notice', names: true, cell: (n) => <>{n.title}<Text size="xs" className="quiet"><ReleaseLink name={n.release} attempt={n.attempt} c="inherit" fz="xs" /></Text></> },
  { head: 'Given up', as: 'text', cell: (n) => n.deliveries.filter((d) => d.state === 'dead').map((d) => <Text key={d.id} size="sm">{d.channel}: {sentence(d.failure ?? 'no reason was given')}</Text>) },
  { head: 'When', as: 'whole', cell: (n) => <At time={n.at} relative /> },
]

/** Notices that could not be sent and were given up; nothing where no notices file is configured. */
export function NoticesPart() {
  const dead = useQuery({ queryKey: ['notices', 'dead'], queryFn: ({ signal }) => take(client.GET('/v1/notices', { signal, params: { query: { dead: true, limit: 50 } } })), refetchInterval: 30_000 })
  const title = 'Notices that could not be sent'
  if (dead.error instanceof Failure && dead.error.status === 404) return <Part title={title} fine="No notices file is configured: notices go to the log of the server." />
  return (
    <Part title={title} fine={dead.data?.items.length === 0 ? 'None: all were sent, or are still tried.' : undefined}>
      {dead.error && <Wrong error={dead.error} again={() => void dead.refetch()} />}
      {dead.isLoading && <Loading lines={2} />}
      {dead.data && (
        <>
          <div className="card"><DataTable caption={title} hideCaption stack columns={columns} rows={dead.data.items} id={(n) => n.id} /></div>
          <Text size="sm" className="quiet" mt={4}>Once the cause is mended, <code>linnet notices retry</code> sends them again.{dead.data.next ? ' There are more.' : ''}</Text>
        </>
      )}
    </Part>
  )
}
