import { Code, Text } from '@mantine/core'
import { IconBan } from '@tabler/icons-react'

import type { Schemas } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { ReleaseLink } from '../../parts/links'
import { At } from '../../parts/time'
import { releaseOf } from '../../words/audit'
import { sentence } from '../../words/text'
import css from './Audit.module.css'

type Line = Schemas['AuditLine']

const columns: Column<Line>[] = [
  { head: 'When', as: 'whole', cell: (l) => <At time={l.time} /> },
  { head: 'Who', cell: (l) => <><Text size="sm" fw={600}>{l.who || 'nobody'}</Text><Text size="xs" className="quiet" title={l.groups.length > 0 ? `In ${l.groups.join(', ')}` : undefined}>{[l.kind, l.from && `from ${l.from}`].filter(Boolean).join(' ')}</Text></> },
  { head: 'What', names: true, cell: (l) => <><Code>{l.what}</Code> <On line={l} /></> },
  { head: 'Why, and what changed', as: 'text', cell: (l) => <Said line={l} /> },
  { head: 'Line', label: 'line', as: 'number', cell: (l) => <span title={`Hash ${l.hash}`}>{l.seq} <span className={`quiet ${css.head}`}>{l.hash.slice(0, 8)}</span></span> },
]

/** Lines of the audit, the last first. */
export function Lines({ lines }: { lines: readonly Line[] }) {
  return <DataTable caption="What was done, the last first" hideCaption stack columns={columns} rows={lines} id={(l) => l.seq} />
}

function On({ line }: { line: Line }) {
  const release = releaseOf(line.what, line.object)
  return release ? <ReleaseLink {...release} fz="sm">{line.object}</ReleaseLink> : <Text size="sm" span fw={400}>{line.object}</Text>
}

/** What something was or became; of a file its hash is told, of which the beginning says enough. */
function Change({ text }: { text: string }) {
  return /^[0-9a-f]{64}$/.test(text) ? <span title={`SHA-256 ${text}`}>file {text.slice(0, 12)}…</span> : text
}

function Said({ line }: { line: Line }) {
  return (
    <>
      {line.denied && <Text size="sm" c="var(--bad)"><IconBan size={14} aria-hidden /> Not allowed: {sentence(line.denied)}</Text>}
      {line.reason && <Text size="sm">“{line.reason}”</Text>}
      {(line.before || line.after) && (
        <div className={css.change}>
          {line.before && <Text size="sm"><span className={css.mark}>before</span> <Change text={line.before} /></Text>}
          {line.after && <Text size="sm"><span className={css.mark}>after</span> <Change text={line.after} /></Text>}
        </div>
      )}
    </>
  )
}
