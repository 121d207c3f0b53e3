import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { client, Failure, take, type Schemas } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { ReleaseLink } from '../../parts/links'
import { Loading, Wrong } from '../../parts/states'
import { At } from '../../parts/time'
import { faultText } from '../../words/fault'
import { sentence } from '../../words/text'
import { Part } from './Part'

type File = Schemas['FolderFile']

const words: Record<File['condition'], string> = {
  waiting: 'waits', applied: 'applied', drift: 'changed since', refused: 'refused', gone: 'file is gone', other: 'not a release',
}

const columns: Column<File>[] = [
  { head: 'File', names: true, cell: (f) => f.path },
  { head: 'State', as: 'whole', cell: (f) => <span title={`Since ${f.since}`}>{words[f.condition]}</span> },
  {
    head: 'What it means', as: 'text',
    cell: (f) => <>{sentence(f.text)}{f.errors?.map((e, i) => <Text key={i} size="sm" className="quiet">{faultText(e)}</Text>)}{f.next_try && <Text size="sm" className="quiet">Asked for again <At time={f.next_try} relative />.</Text>}</>,
  },
  { head: 'Release', label: 'release', cell: (f) => <Of file={f} /> },
]

function Of({ file }: { file: File }) {
  const [name, attempt] = (file.release ?? '').split('/')
  return name && attempt ? <ReleaseLink name={name} attempt={Number(attempt)}>{file.release}</ReleaseLink> : '–'
}

/** The folders whose release files are applied, and how each file stands. */
export function FoldersPart() {
  const folders = useQuery({ queryKey: ['folders'], queryFn: ({ signal }) => take(client.GET('/v1/folders', { signal })), refetchInterval: 15_000 })
  const title = 'Folders of release files'
  if (folders.error instanceof Failure && folders.error.status === 404) return <Part title={title} fine="No folder is followed." />
  return (
    <Part title={title} fine={folders.data?.items.length === 0 ? 'No folder is followed.' : undefined}>
      {folders.error && <Wrong error={folders.error} again={() => void folders.refetch()} />}
      {folders.isLoading && <Loading lines={2} />}
      <Stack gap="md">
        {folders.data?.items.map((f) => (
          <div key={f.folder} className="card">
            {f.trouble?.map((t) => <Text key={t} size="sm" c="var(--bad)">Could not be looked at: {sentence(t)}</Text>)}
            {f.files.length > 0
              ? <DataTable caption={f.folder} stack columns={columns} rows={f.files} id={(file) => file.path} />
              : <Text size="sm"><b>{f.folder}</b> <span className="quiet">has no release files{f.at ? '' : ', or was not looked at yet'}.</span></Text>}
          </div>
        ))}
      </Stack>
    </Part>
  )
}
