import { Anchor, Text } from '@mantine/core'
import { memo, useEffect, useState } from 'react'

import type { Annotation, Record } from '../../api/course'
import { DataTable } from '../../parts/DataTable'
import { At } from '../../parts/time'
import { count, percentOf } from '../../words/number'
import { capital, sentence, webAddress } from '../../words/text'
import { Copy } from './Copy'
import { Fold } from './Fold'
import classes from './release.module.css'

/** What was done to the world, where to read on, and what the decision rests on. */
export const More = memo(function More({ record: r, annotations = [], file }: { record: Record; annotations?: Annotation[]; file?: () => Promise<string> }) {
  return (
    <section className="card" aria-label="More">
      <h2 className={classes.heading}>More</h2>
      <Fold title={<span>Weights and notices <span className="quiet">{count(r.effects.length)}</span></span>}>{() => <Effects record={r} />}</Fold>
      {annotations.length > 0 && <Fold title={<span>What others said of this time <span className="quiet">{count(annotations.length)}</span></span>}>{() => <Said marks={annotations} />}</Fold>}
      {r.links.length > 0 && <Fold open title={<span>Links <span className="quiet">{count(r.links.length)}</span></span>}>{() => <Links links={r.links} />}</Fold>}
      {r.exemplars.length > 0 && <Fold title={<span>Traces of bad or slow requests <span className="quiet">{count(r.exemplars.length)}</span></span>}>{() => <Traces ids={r.exemplars} />}</Fold>}
      {r.warnings.length > 0 && <Fold title={<span>What the sources warned of <span className="quiet">{count(r.warnings.length)}</span></span>}>{() => <ul className={classes.list}>{r.warnings.map((w) => <li key={w}>{sentence(w)}</li>)}</ul>}</Fold>}
      {file && <Fold title="Release file">{() => <File read={file} />}</Fold>}
      <p className={classes.small}>
        At most {percentOf(r.false_rollback_percent)} of harmless releases are rolled back, however often one looks. Methods of version {r.methods}; {count(r.records)} records; file <span className={classes.hash}>{r.file_sha256.slice(0, 12)}</span> <Copy text={r.file_sha256} what="the file’s hash" />
      </p>
    </section>
  )
})

function Effects({ record: r }: { record: Record }) {
  return (
    <DataTable
      caption="Weights and notices" hideCaption id={(e) => e.id} rows={[...r.effects].reverse()}
      columns={[
        { head: 'asked', cell: (e) => <At time={e.time} />, as: 'whole' },
        { head: 'what', cell: (e) => (e.effect === 'set-weight' ? `Weight ${e.weight ?? ''}` : `${e.urgency === 'page' ? 'Page' : 'Notice'}: ${e.title ?? ''}`), as: 'text', names: true },
        { head: 'state', cell: (e) => `${e.state}${e.failures ? `, failed ${count(e.failures)} times` : ''}${e.failure ? `: ${e.failure}` : ''}`, as: 'text' },
        { head: 'done', cell: (e) => (e.done ? <At time={e.done} /> : '–'), as: 'whole' },
      ]}
    />
  )
}

/** The marks that others put on the charts, in full. */
function Said({ marks }: { marks: Annotation[] }) {
  return (
    <ul className={classes.list}>
      {marks.map((m) => {
        const to = webAddress(m.url)
        return (
          <li key={m.id}>
            <span className="quiet"><At time={m.time} />{m.until && <> to <At time={m.until} /></>}, {m.kind}, {m.by}: </span>
            {to ? <Anchor href={to} target="_blank" rel="noopener noreferrer">{m.title}</Anchor> : m.title}{m.text && ` – ${m.text}`}
          </li>
        )
      })}
    </ul>
  )
}

function Links({ links }: { links: Record['links'] }) {
  return (
    <ul className={classes.list}>
      {links.map((l) => {
        const to = webAddress(l.url)
        return <li key={l.name + l.url}>{to ? <Anchor href={to} target="_blank" rel="noopener noreferrer">{capital(l.name)}</Anchor> : `${capital(l.name)}: ${l.url}`}</li>
      })}
    </ul>
  )
}

function Traces({ ids }: { ids: string[] }) {
  return <ul className={classes.list}>{ids.map((id) => <li key={id}><span className={classes.hash}>{id}</span> <Copy text={id} what="the trace id" /></li>)}</ul>
}

function File({ read }: { read: () => Promise<string> }) {
  const [text, setText] = useState<string | null>(null)
  const [wrong, setWrong] = useState('')
  useEffect(() => {
    let gone = false
    read().then(
      (file) => gone || setText(file),
      (cause: unknown) => gone || setWrong(cause instanceof Error ? cause.message : 'It could not be read.'),
    )
    return () => {
      gone = true
    }
  }, [read])
  if (wrong) return <Text size="sm" role="alert">{wrong}</Text>
  if (text === null) return <Text size="sm" className="quiet" aria-busy>…</Text>
  return <div className={classes.tight}><div><Copy text={text} what="the release file" /></div><pre className={`${classes.query} ${classes.file}`} tabIndex={0}>{text}</pre></div>
}
