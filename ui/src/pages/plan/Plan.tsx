import { FileButton, Button, Group, Select, Stack, Text, Title } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconFileText } from '@tabler/icons-react'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useRef, useState } from 'react'

import { Failure } from '../../api/client'
import { useChecked, useFileOf } from '../../api/plan'
import { useEnded, useRunning } from '../../api/releases'
import { Loading, Wrong } from '../../parts/states'
import { useTitle } from '../../parts/title'
import { Backtest } from './Backtest'
import { Editor, type Jump } from './Editor'
import { Faults } from './Faults'
import { Told } from './Told'
import css from './Plan.module.css'

/** What a release file would do, before it does. */
export function Plan() {
  useTitle('Plan')
  const { release } = useSearch({ from: '/plan' })
  const file = useFileOf(release)
  return (
    <Stack gap="lg">
      <div>
        <Title order={1} size="h2">Plan</Title>
        <Text className="quiet">Nothing begins here. The file is checked as you write, and its steps are told.</Text>
      </div>
      {file.error && <Wrong error={file.error} again={() => void file.refetch()} />}
      {file.isLoading ? <Loading lines={10} /> : <Desk key={`${release} ${file.data === undefined}`} from={release} text={file.data ?? ''} />}
    </Stack>
  )
}

/** The largest file that is taken, in bytes. */
const largest = 1 << 20

function Desk({ from, text: begun }: { from?: string; text: string }) {
  const [text, write] = useState(begun)
  const [settled] = useDebouncedValue(text, 400)
  const [unread, tell] = useState('')
  const jump = useRef<Jump>(null)
  const checked = useChecked(settled)
  const problem = checked.error instanceof Failure ? checked.error.problem : undefined
  const faults = settled === text && problem?.errors ? problem.errors : []
  const open = (file: File | null) => {
    if (!file) return
    if (file.size > largest) return tell(`${file.name} is larger than 1 MiB, which no release file is.`)
    tell('')
    file.text().then(write, (e: Error) => tell(`${file.name} could not be read: ${e.message}`))
  }
  return (
    <div className={css.desk}>
      <Stack gap="sm">
        <Group gap="xs">
          <FileButton onChange={open} accept=".yaml,.yml,application/yaml,text/yaml">{(props) => <Button {...props} variant="default" size="sm" leftSection={<IconFileText size={16} aria-hidden />}>Open a file</Button>}</FileButton>
          <FromRelease from={from} />
        </Group>
        {unread && <Text size="sm" c="var(--bad)" role="alert">{unread}</Text>}
        <Editor text={text} set={write} faults={faults} jump={jump} />
      </Stack>
      <Stack gap="lg">
        {faults.length > 0 && <Faults faults={faults} go={(line, column) => jump.current?.to(line, column)} />}
        {checked.error && !problem?.errors && <Wrong error={checked.error} again={() => void checked.refetch()} />}
        {text.trim() === '' && <Text className="quiet">Paste a release file, open one, or take that of a release. What is wrong with it is shown here with its line; of one that is right, the steps, what each can see, and what it would have done on past releases.</Text>}
        {checked.isFetching && !checked.data && <Loading lines={5} />}
        {checked.data && settled === text && <Told planned={checked.data} file={text} />}
        {checked.data && settled === text && <Backtest file={text} service={checked.data.service} />}
      </Stack>
    </div>
  )
}

/** Takes the file of a release that there was. */
function FromRelease({ from }: { from?: string }) {
  const navigate = useNavigate({ from: '/plan' })
  const running = useRunning({}, 25)
  const ended = useEnded({}, undefined, 50)
  const all = [...(running.data?.items ?? []), ...(ended.data?.items ?? [])].map((r) => `${r.name}/${r.attempt}`)
  return (
    <Select
      aria-label="Take the file of a release" placeholder="Take that of a release" searchable clearable size="sm" w={260} value={from ?? null}
      data={[...new Set(from ? [from, ...all] : all)]} nothingFoundMessage="None such" onChange={(v) => void navigate({ search: { release: v ?? undefined } })}
    />
  )
}
