import { Button, Select, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'

import { outcomes, useServices, type Wanted } from '../../api/releases'
import { useTyped } from '../../parts/typed'
import { capital } from '../../words/text'
import css from './Releases.module.css'

const outcomeNames = outcomes.map((o) => ({ value: o, label: capital(o.replace('-', ' ')) }))

const distinct = (all: readonly (string | undefined)[]) => [...new Set(all.filter((s): s is string => !!s))].sort()

/** Narrows the list down; what is chosen stands in the address, so that it can be sent to somebody. */
export function Filters() {
  const wanted = useSearch({ from: '/' })
  const navigate = useNavigate({ from: '/' })
  const known = useServices().data?.items ?? []
  const set = (part: Wanted, replace = false) => void navigate({ search: (s) => ({ ...s, ...part, before: undefined }), replace })
  const choose = (name: 'service' | 'team' | 'environment', label: string) => (
    <Select
      aria-label={label} placeholder={label} value={wanted[name] ?? null} clearable searchable nothingFoundMessage="None such"
      data={distinct([...known.map((s) => s[name]), wanted[name]])} onChange={(v) => set({ [name]: v ?? undefined })}
    />
  )
  const { before: _, ...chosen } = wanted
  return (
    <div className={css.filters} role="search">
      <Search q={wanted.q} set={(q) => set({ q }, true)} />
      {choose('service', 'Service')}
      {choose('team', 'Team')}
      {choose('environment', 'Environment')}
      <Select aria-label="Outcome" placeholder="Outcome" value={wanted.outcome ?? null} clearable data={outcomeNames} onChange={(v) => set({ outcome: outcomes.find((o) => o === v) })} />
      {Object.values(chosen).some(Boolean) && <Button variant="subtle" color="gray" onClick={() => void navigate({ search: {} })}>Clear</Button>}
    </div>
  )
}

function Search({ q, set }: { q?: string; set: (q: string | undefined) => void }) {
  const [text, type] = useTyped(q, set)
  return (
    <TextInput
      type="search" aria-label="Search names and services" placeholder="Search" leftSection={<IconSearch size={16} aria-hidden />} value={text}
      onChange={(e) => type(e.currentTarget.value)}
    />
  )
}
