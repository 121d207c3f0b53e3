import { Anchor, Button, Checkbox, Group, Stack, TextInput, Title } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'

import { useAudit } from '../../api/audit'
import { ButtonLink } from '../../parts/links'
import { Empty, Loading, Wrong } from '../../parts/states'
import { useTitle } from '../../parts/title'
import { useTyped } from '../../parts/typed'
import { exportAddress, type AuditFilters } from '../../words/audit'
import { Chain } from './Chain'
import { Lines } from './Lines'
import css from './Audit.module.css'

/** Everything anyone did, or tried. */
export function Audit() {
  useTitle('Audit')
  const { before, ...wanted } = useSearch({ from: '/audit' })
  const navigate = useNavigate({ from: '/audit' })
  const lines = useAudit(wanted, before)
  const filtered = Object.values(wanted).some(Boolean)
  const set = (part: AuditFilters) => void navigate({ search: (s) => ({ ...s, ...part, before: undefined }), replace: true })
  return (
    <Stack gap="lg">
      <Group justify="space-between" align="flex-start">
        <Title order={1} size="h2">Audit</Title>
        <Anchor href={exportAddress(wanted)} download="audit.ndjson" c="inherit"><Group gap={6} wrap="nowrap"><IconDownload size={16} aria-hidden />Export{filtered ? ' these lines' : ' all'} (NDJSON)</Group></Anchor>
      </Group>
      <div className={css.filters} role="search">
        <Field label="Who" hint="name" value={wanted.who} set={(who) => set({ who })} />
        <Field label="What" hint="release.abort, or release." value={wanted.what} set={(what) => set({ what })} />
        <Field label="On what" hint="checkout-1.5.0/1" value={wanted.object} set={(object) => set({ object })} />
        <TextInput type="date" label="From" value={wanted.from ?? ''} onChange={(e) => set({ from: e.currentTarget.value || undefined })} />
        <TextInput type="date" label="To" value={wanted.to ?? ''} onChange={(e) => set({ to: e.currentTarget.value || undefined })} />
        <Checkbox className={css.denied} label="Only what was not allowed" checked={wanted.denied === true} onChange={(e) => set({ denied: e.currentTarget.checked || undefined })} />
      </div>
      <Chain />
      {lines.error && <Wrong error={lines.error} again={() => void lines.refetch()} />}
      {lines.isLoading && <Loading lines={12} />}
      {lines.data && !lines.error && lines.data.items.length === 0 && (filtered
        ? <Empty title="Nothing fits"><Button mt="sm" variant="default" onClick={() => void navigate({ search: {} })}>Show all</Button></Empty>
        : <Empty title="Nothing was done yet">Whatever people and programs do to releases, tokens and settings is written here, and what they were not allowed to.</Empty>)}
      {lines.data && lines.data.items.length > 0 && <div className="card"><Lines lines={lines.data.items} /></div>}
      {(before || lines.data?.next) && (
        <Group component="nav" aria-label="Pages of the audit" gap="xs">
          {before && <ButtonLink to="/audit" search={(s) => ({ ...s, before: undefined })} variant="default" size="sm">Newest</ButtonLink>}
          {lines.data?.next && <ButtonLink to="/audit" search={(s) => ({ ...s, before: lines.data.next })} variant="default" size="sm">Older</ButtonLink>}
        </Group>
      )}
    </Stack>
  )
}

function Field({ label, hint, value, set }: { label: string; hint: string; value?: string; set: (v: string | undefined) => void }) {
  const [text, type] = useTyped(value, set)
  return <TextInput label={label} placeholder={hint} value={text} onChange={(e) => type(e.currentTarget.value)} />
}
