import { Text, Title } from '@mantine/core'

import type { Schemas } from '../../api/client'
import { DataTable, type Column } from '../../parts/DataTable'
import { counted, number, percent, times } from '../../words/number'
import { capital } from '../../words/text'
import { duration } from '../../words/time'
import { Sight } from './Sight'

type Step = Schemas['ForecastStep']
type Seen = Schemas['ForecastSight']

/** What is said in place of a time that is not within the step. */
const seen = (m: Seen, effect: number) => {
  const e = m.effects.find((x) => x.effect === effect)
  if (!e) return '–'
  return e.power_80_s === null ? <span className="quiet">not seen ({percent(e.seen_within)})</span> : duration(e.power_80_s)
}

/** For each step, how soon harm would be seen in 8 of 10 releases, and how small. */
export function Sights({ forecast }: { forecast: Schemas['Forecast'] }) {
  return (
    <>
      {forecast.steps.map((s, i) => <OneStep key={i} step={s} n={i + 1} />)}
      <Text size="xs" className="quiet">
        Played with {forecast.metrics.map((m) => `${m.metric} (${premise(m)})`).join(', ')}. Harm of 2× is twice the bad events, every value of a histogram twice as large, a level twice as high. “–” and “not seen” are within the longest the step may take.
      </Text>
    </>
  )
}

function premise(m: Schemas['ForecastPremise']): string {
  const what = m.median !== undefined ? `median ${number(m.median)}, 99th percentile ${number(m.p99)}` : m.kind === 'ratio' ? percent(m.level) : number(m.level)
  return `${what}, ${m.origin}`
}

function OneStep({ step, n }: { step: Step; n: number }) {
  const effects = step.metrics[0]?.effects.map((e) => e.effect) ?? []
  const columns: Column<Seen>[] = [
    { head: 'Metric', names: true, cell: (m) => m.metric },
    ...effects.map((x): Column<Seen> => ({ head: `${times(x)} is seen in`, as: 'number', cell: (m) => seen(m, x) })),
    { head: `Least seen in ${duration(step.at_least_s)}`, as: 'number', cell: (m) => times(m.smallest_at_least) },
    { head: `in ${duration(step.at_most_s)}`, as: 'number', cell: (m) => times(m.smallest_at_most) },
  ]
  return (
    <section aria-label={`Step ${n}`}>
      <Title order={3} size="h5">Step {n}: {percent(step.weight)} for {duration(step.at_least_s)} to {duration(step.at_most_s)}</Title>
      <Text size="sm" mb={4}>{passes(step)}{step.better && ` ${advice(step.better)}`}</Text>
      <div className="wide" role="group" tabIndex={0} aria-label={`Picture of step ${n}`}><Sight step={step} n={n} /></div>
      <DataTable caption={`What step ${n} sees`} hideCaption columns={columns} rows={step.metrics} id={(m) => m.metric} />
    </section>
  )
}

function passes(s: Step): string {
  const p = s.pass
  const met = p.exposed_median ? `; ${counted(p.exposed_median.requests, 'request')} met it by then` : ''
  const slow = p.waits_for ? ` It waits longest for ${p.waits_for}.` : ''
  if (p.median_s === null) return `A harmless candidate passes within the step in ${percent(p.passed_within)} of the releases.${slow}`
  const late = p.p95_s === null ? `, within the step in ${percent(p.passed_within)} of the releases` : p.p95_s > p.median_s ? `, 19 of 20 within ${duration(p.p95_s)}` : ''
  return `A harmless candidate passes in ${duration(p.median_s)}${late}${met}.${slow}`
}

function advice(a: Schemas['ForecastAdvice']): string {
  const ways = a.options.map((o) => `${percent(o.weight)} for ${duration(o.time_s)}`).join(', or ')
  if (a.shorter) return ways ? `All would still be seen with ${ways}.` : ''
  return ways ? `${capital(a.metric)} sees ${times(a.effect)} with ${ways}.` : `Nothing within reach has ${a.metric} see ${times(a.effect)}.`
}
