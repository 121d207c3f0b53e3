import type { Schemas } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { ReleaseLink } from '../../parts/links'
import { At } from '../../parts/time'
import { count, counted } from '../../words/number'
import { sentence } from '../../words/text'
import { Part } from './Part'

const troubles: Column<Schemas['Trouble']>[] = [
  { head: 'Release', names: true, cell: (t) => <ReleaseLink name={t.name} attempt={t.attempt} fw={600} /> },
  { head: 'What fails', as: 'text', cell: (t) => sentence(t.error) },
  { head: 'In a row', label: 'in a row', as: 'number', cell: (t) => count(t.failures) },
  { head: 'Tried again', label: 'tried again', as: 'whole', cell: (t) => <At time={t.next} relative /> },
]

/** The releases whose last turn failed. */
export function TroublesPart({ of }: { of: readonly Schemas['Trouble'][] }) {
  return (
    <Part title="Releases whose turns fail" fine={of.length === 0 ? 'None: each release takes its turns.' : undefined}>
      <div className="card"><DataTable caption="Releases whose last turn failed" hideCaption stack columns={troubles} rows={of} id={(t) => `${t.name}/${t.attempt}`} /></div>
    </Part>
  )
}

const targets: Column<Schemas['Target']>[] = [
  { head: 'Target', names: true, cell: (t) => t.name },
  { head: 'State', as: 'text', cell: (t) => (t.waiting ? <>Has not taken the next event since <At time={t.waiting} /> ({counted(t.tries, 'try', 'tries')}){t.error ? `: ${sentence(t.error)}` : '.'}</> : 'Has taken all.') },
  { head: 'Taken', label: 'taken', as: 'number', cell: (t) => count(t.sent) },
  { head: 'Left out', label: 'left out', as: 'number', cell: (t) => count(t.left_out) },
]

/** How far the targets of the hooks file were told. */
export function TargetsPart({ of }: { of: readonly Schemas['Target'][] }) {
  return (
    <Part title="Targets of the hooks file" fine={of.length === 0 ? 'There are none.' : undefined}>
      <div className="card"><DataTable caption="Who is sent what happens to releases" hideCaption stack columns={targets} rows={of} id={(t) => t.name} /></div>
    </Part>
  )
}
