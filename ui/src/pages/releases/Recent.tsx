import { Skeleton, Text } from '@mantine/core'
import { useInViewport } from '@mantine/hooks'

import type { Release } from '../../api/client'
import { useBrief } from '../../api/releases'
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
  { head: 'Why', as: 'text', cell: (r) => <Why of={r} /> },
  { head: 'Ended', label: 'ended', as: 'whole', cell: (r) => <At time={r.updated} relative /> },
  { head: 'Took', label: 'took', as: 'number', cell: (r) => duration(took(r)) },
  { head: 'Begun by', label: 'by', cell: (r) => r.author || '–' },
]

/**
 * Why a release ended so. What the list knows is its last word, which of a rollback
 * is how the baseline recovered; why it was decided is read when it is looked at.
 */
function Why({ of }: { of: Release }) {
  const { ref, inViewport } = useInViewport<HTMLDivElement>()
  const asked = of.outcome !== 'promoted' && !of.pruned
  const brief = useBrief(of, asked && inViewport)
  return <div ref={ref}>{asked && brief.isPending && !brief.error ? <Skeleton height={18} my={2} /> : (brief.data?.sentence ?? <Reason reason={of.reason} />)}</div>
}

/** The releases that have ended: how, why, when. */
export function Recent({ releases }: { releases: readonly Release[] }) {
  if (releases.length === 0) return <Text className="quiet">None has ended yet.</Text>
  return <div className="card"><DataTable caption="Releases that have ended, the last begun first" hideCaption stack columns={columns} rows={releases} id={(r) => `${r.name}/${r.attempt}`} /></div>
}
