import { Text } from '@mantine/core'

import type { Release } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { ReleaseLink } from '../../parts/links'
import { Reason } from '../../parts/Reason'
import { At } from '../../parts/time'
import { Outcome } from '../../parts/Verdict'
import { duration } from '../../words/time'

const took = (r: Release) => (Date.parse(r.promoted_at ?? r.updated) - Date.parse(r.started)) / 1000

const columns: Column<Release>[] = [
  {
    head: 'Release', names: true,
    cell: (r) => (
      <>
        <ReleaseLink name={r.name} attempt={r.attempt} fw={600} />
        <Text size="xs" className="quiet">{[r.service, r.environment, r.team, r.attempt > 1 && `attempt ${r.attempt}`].filter(Boolean).join(' · ')}</Text>
      </>
    ),
  },
  { head: 'Outcome', as: 'whole', cell: (r) => <Outcome outcome={r.outcome} /> },
  { head: 'Why', as: 'text', cell: (r) => <Reason reason={r.reason} /> },
  { head: 'Ended', label: 'ended', as: 'whole', cell: (r) => <At time={r.updated} relative /> },
  { head: 'Took', label: 'took', as: 'number', cell: (r) => duration(took(r)) },
  { head: 'Begun by', label: 'by', cell: (r) => r.author || '–' },
]

/** The releases that have ended: how, why, when. */
export function Recent({ releases }: { releases: readonly Release[] }) {
  if (releases.length === 0) return <Text className="quiet">None has ended yet.</Text>
  return <div className="card"><DataTable caption="Releases that have ended, the last begun first" hideCaption stack columns={columns} rows={releases} id={(r) => `${r.name}/${r.attempt}`} /></div>
}
