import { Group, Skeleton, Stack, Text } from '@mantine/core'
import { useInViewport } from '@mantine/hooks'
import { IconUserQuestion } from '@tabler/icons-react'

import type { Release, Schemas } from '../../api/client'
import { useBrief } from '../../api/releases'
import { Evidence } from '../../parts/Evidence'
import { ReleaseLink } from '../../parts/links'
import { useNow } from '../../parts/now'
import { SmallRail } from '../../parts/Rail'
import { Reason } from '../../parts/Reason'
import { Outcome, Verdict } from '../../parts/Verdict'
import { count, counted, percentOf } from '../../words/number'
import { awaited, tally, versions } from '../../words/standing'
import { stepsOf } from '../../words/steps'
import { duration } from '../../words/time'
import css from './Releases.module.css'

/** How many guardrails a card shows; the others are counted. */
const shown = 3

/** The releases that run, each with where it is and on what evidence. */
export function Running({ releases }: { releases: readonly Release[] }) {
  const now = useNow()
  if (releases.length === 0) return <Text className="quiet">Nothing runs now.</Text>
  return <ul className={css.cards}>{releases.map((r) => <Card key={`${r.name}/${r.attempt}`} release={r} now={now} />)}</ul>
}

function Card({ release, now }: { release: Release; now: Date }) {
  const { ref, inViewport } = useInViewport<HTMLLIElement>()
  const brief = useBrief(release, inViewport)
  const record = brief.data
  const waits = record && awaited(record)
  return (
    <li className={`card ${css.card}`} ref={ref}>
      <div className={css.where}>
        <Group gap="xs" justify="space-between" wrap="nowrap" align="flex-start">
          <ReleaseLink className={css.name} name={release.name} attempt={release.attempt}>
            {release.name}{release.attempt > 1 && <span className="quiet"> attempt {release.attempt}</span>}
          </ReleaseLink>
          <Outcome outcome="running" phase={release.phase} />
        </Group>
        <Facts release={release} record={record} now={now} />
        {waits && <Text size="sm" fw={600} className={css.waits}><IconUserQuestion size={16} aria-hidden /> Waits for {waits}</Text>}
        {record ? <SmallRail steps={stepsOf(record.steps)} /> : <Skeleton height={24} />}
        <Text size="sm" className={css.reason}><Reason reason={release.reason} /></Text>
      </div>
      <div className={css.evidence}>
        {record && <Guardrails all={record.standing} />}
        {!record && brief.error && <Text size="sm" className="quiet">Its evidence could not be read: {brief.error.message}</Text>}
        {!record && !brief.error && <Stack gap="xs">{[0, 1, 2].map((i) => <Skeleton key={i} height={30} />)}</Stack>}
      </div>
    </li>
  )
}

function Facts({ release, record, now }: { release: Release; record?: Schemas['Record']; now: Date }) {
  const { baseline, candidate } = versions(record?.arms ?? [])
  const place = [release.service, release.environment, release.team].filter(Boolean).join(' · ')
  const seen = record?.exposure.metric ? `${counted(record.exposure.candidate_requests, 'request')} so far, ${count(record.exposure.candidate_bad)} bad` : undefined
  return (
    <Text size="sm" className={`quiet ${css.facts}`} component="div">
      <span>{place}</span>
      {baseline && <span><span className={css.baseline}>{baseline}</span> → <span className={css.candidate}>{candidate}</span></span>}
      <span><b className={css.candidate}>{percentOf(release.weight_percent)}</b> of the traffic</span>
      {seen && <span>{seen}</span>}
      <span>for {duration(Math.floor((now.getTime() - Date.parse(release.started)) / 1000))}</span>
    </Text>
  )
}

function Guardrails({ all }: { all: readonly Schemas['RecordComparison'][] }) {
  if (all.length === 0) return <Text size="sm" className="quiet">Nothing has been compared yet.</Text>
  const rest = all.slice(shown)
  return (
    <>
      <ul className={css.guardrails} aria-label={`Guardrails: ${tally(all)}`}>
        {all.slice(0, shown).map((c) => (
          <li key={`${c.metric} ${c.segment} ${c.against}`} className={css.guardrail}>
            <Verdict verdict={c.verdict} />
            <span className={css.metric}>{c.metric}{c.segment && <span className="quiet"> {c.segment}</span>}{c.against === 'limit' && <span className="quiet"> limit</span>}</span>
            <Evidence proof={c.evidence} verdict={c.verdict} severity={c.severity} of={`${c.metric} ${c.segment}`.trim()} />
          </li>
        ))}
      </ul>
      {rest.length > 0 && <Text size="xs" className="quiet">and {rest.length} more: {tally(rest)}</Text>}
    </>
  )
}
