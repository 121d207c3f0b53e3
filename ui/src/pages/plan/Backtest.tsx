import { Button, Group, Stack, Text, Title } from '@mantine/core'

import type { Schemas } from '../../api/client'
import { useBacktest } from '../../api/plan'
import { DataTable, type Column } from '../../parts/DataTable'
import { Explain } from '../../parts/Explain'
import { ReleaseLink } from '../../parts/links'
import { Loading, Wrong } from '../../parts/states'
import { Outcome } from '../../parts/Verdict'
import { sentence } from '../../words/text'
import { duration } from '../../words/time'

type Item = Schemas['BacktestItem']

const columns: Column<Item>[] = [
  { head: 'Release', names: true, cell: (i) => <ReleaseLink name={i.name} attempt={i.attempt} fw={600} /> },
  { head: 'Was', label: 'was', as: 'whole', cell: (i) => <Decided of={i.recorded} outcome={i.outcome} /> },
  { head: 'Would have been', label: 'would have been', as: 'whole', cell: (i) => (i.by_file ? <Decided of={i.by_file} outcome={i.by_file.outcome} /> : '–') },
  { head: 'Why', as: 'text', cell: (i) => sentence(i.unfit ?? i.by_file?.reason.text ?? '') },
]

function Decided({ of, outcome }: { of?: Schemas['BacktestOutcome']; outcome: string }) {
  return <><Outcome outcome={outcome} />{of && <Text size="xs" className="quiet">after {duration(of.after_s)}</Text>}</>
}

/** What a file would have done on the last releases of its service. */
export function Backtest({ file, service }: { file: string; service: string }) {
  const played = useBacktest()
  const of = played.data && played.variables === file ? played.data.items : undefined
  return (
    <section className="card" aria-labelledby="backtest">
      <Group gap={2} mb="xs"><Title order={2} size="h4" id="backtest">On past releases</Title><Explain what="backtest" /></Group>
      <Button variant="default" loading={played.isPending} onClick={() => played.mutate(file)}>Try it on the last releases of {service}</Button>
      <Stack mt="md" role="status">
        {played.isPending && <Loading lines={3} />}
        {played.error && !played.isPending && <Wrong error={played.error} />}
        {of?.length === 0 && <Text className="quiet">No release of {service} has ended yet.</Text>}
        {of && of.length > 0 && <DataTable caption={`What this file would have done on past releases of ${service}`} hideCaption stack columns={columns} rows={of} id={(i) => `${i.name}/${i.attempt}`} />}
      </Stack>
    </section>
  )
}
