import type { Schemas } from './client'

/** The decision record of a release and its parts, by the names the pages use. */
export type Record = Schemas['Record']
export type Comparison = Schemas['RecordComparison']
export type Decision = Schemas['RecordDecision']
export type Side = Schemas['RecordSide']
export type Size = Schemas['RecordSize']
export type Quantile = Schemas['RecordQuantile']

/** How a release went, metric by metric. */
export type Course = Schemas['RecordCourse']
export type Track = Schemas['RecordTrack']
export type Standing = Schemas['RecordStanding']
export type Distribution = Schemas['RecordDistribution']
export type Level = Schemas['RecordLevel']

/** A column of a track: null is a number that is not known. */
export type Column = (number | null)[]

/** A mark that people or other programs put on the charts. */
export type Annotation = Schemas['Annotation']

/** What a person says of how a release was decided. */
export type Assessment = Schemas['Assessment']
export type Judgement = Assessment['judgement']

/** What a release came to when it was computed again. */
export type Replayed = Schemas['Replayed']
