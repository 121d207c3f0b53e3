import { Progress, Stack, Text } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'

import { client, take, type Release } from '../../api/client'
import type { Course } from '../../api/course'
import { useMe } from '../../api/me'
import { Empty, Loading, Wrong } from '../../parts/states'
import { useTitle } from '../../parts/title'
import { Outcome } from '../../parts/Verdict'
import { sentence } from '../../words/text'
import { assess, order, path, type Which } from './act'
import type { Order } from './Buttons'
import { unfinished, useAnnotations, useCourse, useFresh, useRecord, useSummary } from './data'
import { ReleaseView, type Chosen } from './ReleaseView'

/** The page of a release: reads it, follows it, and gives its orders. */
export function ReleasePage() {
  const of = useParams({ from: '/releases/$name/$attempt' })
  return <Page key={`${of.name}/${of.attempt}`} of={of} />
}

function Page({ of }: { of: Which }) {
  const { metric, segment } = useSearch({ from: '/releases/$name/$attempt' })
  const me = useMe()
  const course = useCourse(of, undefined, true)
  const summary = useSummary(of, course.data?.every_s)
  const there = summary.data?.pruned !== true
  const record = useRecord(of, there)
  const inSegment = useCourse(of, segment, segment !== undefined)
  const annotations = useAnnotations(record.data, summary.data)
  useFresh(of, summary.data?.records, record.data?.records)
  useTitle(record.data ? `${record.data.service} ${record.data.arms.find((a) => a.name === 'candidate')?.version ?? ''}` : of.name)

  const does = useDoings(of)
  const choose = useChoose(of)
  const chosen = useMemo(() => ({ metric, segment }), [metric, segment])
  const about = useMemo(() => summary.data && { team: summary.data.team, environment: summary.data.environment }, [summary.data])
  const waiting = useMemo(() => ({
    course: course.error ? <Wrong error={course.error} again={() => void course.refetch()} /> : <Loading lines={8} />,
    segment: inSegment.error ? <Wrong error={inSegment.error} again={() => void inSegment.refetch()} /> : inSegment.isPending ? <Loading lines={8} /> : undefined,
  }), [course, inSegment])

  if (summary.data && !there) return <Pruned release={summary.data} />
  if (record.error && !record.data) return <Wrong error={record.error} again={() => void record.refetch()} />
  if (!record.data) return <Loading lines={10} />
  return (
    <>
      <Reading course={course.data} />
      <ReleaseView
        record={record.data} course={course.data} segmentCourse={segment === undefined ? undefined : inSegment.data} annotations={annotations.data}
        assessment={summary.data?.assessment} about={about} chosen={chosen} choose={choose} me={me.data?.name} waiting={waiting} {...does}
      />
    </>
  )
}

/** What a person can do on the page. */
function useDoings(of: Which) {
  const queries = useQueryClient()
  const { name, attempt } = of
  return useMemo(() => {
    const which = { name, attempt }
    const fresh = () => queries.invalidateQueries({ queryKey: ['release', name] })
    return {
      act: async (o: Order) => {
        const outcome = await order(which, o)
        await fresh()
        return outcome
      },
      replay: (seq: number) => take(client.GET('/v1/releases/{name}/{attempt}/replay', { params: { path: path(which), query: { seq } } })),
      assess: async (...said: [Parameters<typeof assess>[1], string, string]) => {
        await assess(which, ...said)
        await fresh()
      },
      file: async () => (await take(client.GET('/v1/releases/{name}/{attempt}/file', { params: { path: path(which) }, parseAs: 'text' }))) as string,
    }
  }, [queries, name, attempt])
}

/** Keeps in the URL what is looked at closely. */
function useChoose(of: Which): (next: Chosen) => void {
  const navigate = useNavigate()
  const { name, attempt } = of
  return useCallback((next) => void navigate({ to: '/releases/$name/$attempt', params: { name, attempt }, search: next, replace: true, resetScroll: false }), [navigate, name, attempt])
}

/** While a long course is read, how far it is. */
function Reading({ course }: { course?: Course }) {
  if (!course || !unfinished(course) || course.records >= course.records_total) return null
  const share = Math.floor((100 * course.records) / course.records_total)
  return <Stack gap={4} mb="md" role="status"><Text size="sm" className="quiet">The charts are still being read: {share} %.</Text><Progress value={share} size="xs" color="gray" aria-label="Read so far" /></Stack>
}

/** What is left of a release whose records are gone. */
function Pruned({ release: r }: { release: Release }) {
  return (
    <Empty title={`${r.name}, attempt ${r.attempt}`}>
      <Stack gap="xs" align="center">
        <Outcome outcome={r.outcome} />
        {r.reason.text && <span>{sentence(r.reason.text)}</span>}
        <span>Its records were removed, as the server’s settings for keeping them say. What is left is the outcome.</span>
      </Stack>
    </Empty>
  )
}
