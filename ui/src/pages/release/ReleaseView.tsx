import { useMemo, useState, type ReactNode } from 'react'

import type { Annotation, Assessment, Course, Record } from '../../api/course'
import { linesOf } from '../../charts/marks'
import { Moment, MomentContext } from '../../charts/moment'
import { stretch, type Frame } from '../../charts/pictures'
import { keyOf, trackOf } from '../../words/effect'
import { AllMetrics } from './AllMetrics'
import { Assess, type Say } from './Assess'
import { Buttons, type Act } from './Buttons'
import { Guardrails, prominent } from './Guardrails'
import { Head } from './Head'
import { MetricPanel } from './MetricPanel'
import { More } from './More'
import classes from './release.module.css'
import { Steps } from './Steps'
import { Story, type Replay } from './Story'

/** What the sides of the watch are called. */
const past: [string, string] = ['before', 'now']

/** What of the release is looked at closely. */
export type Chosen = { metric?: string; segment?: string }

/** All that the page of a release shows, and what it can do; what cannot be done where it stands is left out. */
export type ReleaseViewProps = {
  record: Record
  course?: Course
  /** The course of the chosen segment, once it is there. */
  segmentCourse?: Course
  annotations?: Annotation[]
  assessment?: Assessment
  about?: { team?: string; environment?: string }
  chosen: Chosen
  choose: (next: Chosen) => void
  me?: string
  act?: Act
  replay?: Replay
  assess?: Say
  file?: () => Promise<string>
  /** What stands where the course is not there, and where the segment's is not. */
  waiting?: { course?: ReactNode; segment?: ReactNode }
}

/** The page of a release: the sentence first, and everything below it is its proof. */
export function ReleaseView(p: ReleaseViewProps) {
  const { record: r, course, chosen, choose } = p
  const [moment] = useState(() => new Moment())
  const frame = useFrame(course, p.annotations)
  const [baseline, candidate] = ['baseline', 'candidate'].map((n) => r.arms.find((a) => a.name === n)?.version ?? '')
  const versions = useMemo(() => ({ baseline: baseline ?? '', candidate: candidate ?? '' }), [baseline, candidate])
  const rows = useMemo(() => prominent(r.standing), [r.standing])
  const track = trackOf(course, chosen.metric ?? (rows[0] && keyOf(rows[0])))
  const key = track && keyOf(track)
  const inSegment = chosen.segment ? trackOf(p.segmentCourse, key) : undefined
  const look = useMemo(() => (metric: string, segment?: string) => {
    choose({ metric, segment })
    document.getElementById('metric')?.scrollIntoView({ behavior: 'smooth', block: 'nearest' })
  }, [choose])
  const on = useMemo(() => ({ metric: key, segment: chosen.segment }), [key, chosen.segment])
  return (
    <MomentContext value={moment}>
      <article className={classes.page}>
        <Head record={r} about={p.about ?? {}} buttons={p.act && <Buttons record={r} act={p.act} me={p.me} />} />
        <Steps record={r} />
        {rows.length > 0 && <Guardrails title={r.outcome === 'running' ? 'Guardrails' : 'Guardrails when it was decided'} rows={rows} course={course} chosen={on} choose={course && look} />}
        {r.aftermath && r.aftermath.length > 0 && <Guardrails title="The watch afterwards" rows={r.aftermath} sides={past} />}
        {course && track && (
          <MetricPanel course={course} track={track} inSegment={inSegment} segment={chosen.segment} waiting={p.waiting?.segment} frame={frame} versions={versions} choose={look} />
        )}
        {!course && p.waiting?.course}
        {course && key && <AllMetrics course={course} but={key} frame={frame} versions={versions} />}
        <Story record={r} replay={p.replay} />
        {r.ended && <Assess outcome={r.outcome} said={p.assessment} say={p.assess} />}
        <More record={r} annotations={p.annotations} file={p.file} />
      </article>
    </MomentContext>
  )
}

/** What all charts have in common; the same object until something of it changes. */
function useFrame(course: Course | undefined, annotations: Annotation[] | undefined): Frame {
  const lines = useMemo(() => linesOf(course?.marks, annotations), [course?.marks, annotations])
  const [from, to] = stretch(course?.tracks ?? [], course?.from, course?.to)
  return useMemo(() => ({ lines, from, to }), [lines, from, to])
}
