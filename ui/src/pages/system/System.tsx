import { Stack, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { client, take, type Schemas } from '../../api/client'
import { Fact, Facts } from '../../parts/Fact'
import { Loading, Wrong } from '../../parts/states'
import { At } from '../../parts/time'
import { useTitle } from '../../parts/title'
import { count } from '../../words/number'
import { duration } from '../../words/time'
import { FoldersPart } from './Folders'
import { NoticesPart } from './Notices'
import { ReplicasPart } from './Replicas'
import { SourcesPart } from './Sources'
import { TargetsPart, TroublesPart } from './Tables'

/** How Linnet itself does. */
export function System() {
  useTitle('System')
  const system = useQuery({ queryKey: ['system'], queryFn: ({ signal }) => take(client.GET('/v1/system', { signal })), refetchInterval: 5_000 })
  return (
    <Stack gap="lg">
      <Title order={1} size="h2">System</Title>
      {system.error && <Wrong error={system.error} again={() => void system.refetch()} />}
      {system.isLoading && <Loading lines={6} />}
      {system.data && <Server of={system.data} />}
      <SourcesPart />
      {system.data && <TroublesPart of={system.data.troubles} />}
      {system.data && <TargetsPart of={system.data.targets} />}
      <ReplicasPart />
      <NoticesPart />
      <FoldersPart />
    </Stack>
  )
}

/** How late turns may be and still be called on time, in seconds. */
const onTime = 5

function Server({ of: s }: { of: Schemas['System'] }) {
  const late = s.lag_s > onTime
  return (
    <section className="card" aria-label="This server">
      <Facts>
        <Fact name="Turns" what="lag" note={late ? `${count(s.overdue)} overdue, the longest by ${duration(s.lag_s)}` : 'none is late'}>{late ? 'Behind' : 'On time'}</Fact>
        <Fact name="Releases that it runs">{count(s.releases)}</Fact>
        <Fact name="Version" note={<>serves since <At time={s.started} relative /></>}>{s.version}</Fact>
        <Fact name="Database">{s.database}</Fact>
        <Fact name="Pages that watch">{count(s.streams)}</Fact>
        <Fact name="Login" note={s.login ? undefined : 'only this machine may ask'}>{s.login ? 'required' : 'none'}</Fact>
      </Facts>
    </section>
  )
}
