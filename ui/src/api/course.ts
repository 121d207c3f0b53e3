import type { Schemas } from './client'

/** The decision record of a release and its parts, by the names the pages use. */
export type Record = Schemas['Record']
export type Comparison = Schemas['RecordComparison']
export type Decision = Schemas['RecordDecision']
export type Side = Schemas['RecordSide']
export type Size = Schemas['RecordSize']
export type Quantile = Schemas['RecordQuantile']

/** A column of a track: null is a number that is not known. */
export type Column = (number | null)[]

/** How a release went, metric by metric. */
export type Course = {
  name: string
  attempt: number
  from?: string
  to?: string
  every_s: number
  records: number
  records_total: number
  points: number
  marks: Mark[]
  marks_omitted?: number
  tracks: Track[]
  standing: Standing[]
  warnings: string[]
}

/** Something that happened at an instant. */
export type Mark = {
  time: string
  kind: 'weight' | 'decision' | 'approval' | 'order' | 'notice'
  title: string
  text?: string
  seq: number
  weight_percent?: number | null
  decision?: string
  who?: string
  urgency?: string
}

/** The course of one metric, as a whole or in one segment, held against one thing. */
export type Track = {
  metric: string
  segment: string
  kind: string
  unit?: string
  severity: string
  worse: string
  against: string
  tolerance: number
  tolerance_absolute?: number
  limit?: number | null
  limit_quantile?: number
  exclude?: number
  bound?: number | null
  time: number[]
  baseline: Stretch
  candidate: Stretch
  ratio: Column
  low: Column
  high: Column
  difference?: Column
  difference_low?: Column
  difference_high?: Column
  evidence: Column
  evidence_for_pass: Column
  standing?: Comparison
  hidden?: { text: string; at_most: number | null; exclude: number }
  distribution?: Distribution
  bursts: Burst[]
  history: Level[]
  queries: Question[]
}

/** What one arm did in each stretch of a track. */
export type Stretch = { value: Column; n: number[]; events: number[]; p50?: Column; p99?: Column }

/** One metric and segment as it stands, in short. */
export type Standing = {
  metric: string
  segment: string
  kind: string
  severity: string
  against: string
  verdict: string
  reason: Schemas['RecordReason']
  bound?: number | null
  unit?: string
  baseline: Side
  candidate: Side
  effect: Size
  evidence: number | null
  evidence_for_pass: number | null
}

/** A histogram of both arms: how many values each bucket holds. */
export type Distribution = {
  bounds: number[]
  unit?: string
  baseline: number[]
  candidate: number[]
  quantiles: Quantile[]
  superiority?: number
}

/** A stretch in which the candidate's excess of events concentrates. */
export type Burst = { from: string; to: string; baseline: Side; candidate: Side; expected: number; excess: number }

/** What the baseline of an earlier release did. */
export type Level = { name: string; attempt: number; time: string; value: number; n: number }

/** What a source is asked for one arm. */
export type Question = { arm: string; source: string; role: string; query: string; graph?: string }

/** A mark that people or other programs put on the charts. */
export type Annotation = {
  id: string
  kind: 'deploy' | 'config' | 'incident' | 'note'
  title: string
  text: string
  url: string
  time: string
  until?: string
  by: string
}

/** What a person says of how a release was decided. */
export type Assessment = { judgement: Judgement; reason: string; by: string; time: string }
export type Judgement = 'false-alarm' | 'right' | 'missed-harm'
