import { useQuery, useQueryClient, type QueryKey } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

import { client, take } from '../../api/client'
import type { Course, Record } from '../../api/course'
import { path, readRecord, type Which } from './act'

/** How many points a track of the page has: as many as a chart has room for. */
const points = 400

/** How often at most a release is read again, and how often its state is asked for at least, in milliseconds. */
const breath = 1_000
const slowest = 10_000

const keyOf = (of: Which): QueryKey => ['release', of.name, of.attempt]

/** How a release stands, in short. It is asked for often: a look that changes nothing is no event. */
export function useSummary(of: Which, every: number | undefined) {
  const pause = Math.min(slowest, Math.max(breath, (every ?? 6) * 500))
  return useQuery({
    queryKey: [...keyOf(of), 'summary'],
    queryFn: ({ signal }) => take(client.GET('/v1/releases/{name}/{attempt}', { params: { path: path(of) }, signal })),
    refetchInterval: (q) => (q.state.data?.ended ? false : pause),
  })
}

/** The decision record. */
export function useRecord(of: Which, enabled: boolean) {
  return useQuery({ queryKey: [...keyOf(of), 'record'], queryFn: ({ signal }) => readRecord(of, signal), enabled })
}

/** The course, as a whole or of a segment. A long one comes piece by piece. */
export function useCourse(of: Which, segment: string | undefined, enabled: boolean) {
  return useQuery({
    queryKey: [...keyOf(of), 'course', segment ?? ''],
    queryFn: ({ signal }) => take(client.GET('/v1/releases/{name}/{attempt}/course', { params: { path: path(of), query: { points, segment } }, signal })),
    enabled,
    refetchInterval: (q) => (unfinished(q.state.data) ? breath : false),
  })
}

/** Whether more of a course is still to come by asking again. */
export function unfinished(c: Course | undefined): boolean {
  return c !== undefined && (c.records < c.records_total || (c.history_missing ?? 0) > 0)
}

/** What others put on the charts of a release. */
export function useAnnotations(r: Record | undefined, about: { team: string; environment: string } | undefined) {
  const from = r?.times.started
  return useQuery({
    queryKey: ['annotations', r?.service, about?.team, about?.environment, from, r?.times.ended],
    queryFn: async ({ signal }) => {
      const to = r?.ended ? r.since ?? r.times.ended : undefined
      const page = await take(client.GET('/v1/annotations', { params: { query: { service: r?.service, team: about?.team || undefined, environment: about?.environment || undefined, from, to, limit: 500 } }, signal }))
      return page.items
    },
    enabled: r !== undefined && about !== undefined,
    refetchInterval: r?.ended ? false : 3 * slowest,
  })
}

/** Has record and course read again once there are more records than they tell of. */
export function useFresh(of: Which, there: number | undefined, read: number | undefined) {
  const queries = useQueryClient()
  const last = useRef(0)
  useEffect(() => {
    if (there === undefined || read === undefined || there <= read) return
    const timer = setTimeout(() => {
      last.current = Date.now()
      for (const part of ['record', 'course']) void queries.invalidateQueries({ queryKey: ['release', of.name, of.attempt, part] }, { cancelRefetch: false })
    }, Math.max(0, last.current + breath - Date.now()))
    return () => clearTimeout(timer)
  }, [queries, of.name, of.attempt, there, read])
}
