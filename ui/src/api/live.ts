import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'

/** How the stream of events stands: since when it is lost, if it is. */
export type Line = { state: 'opening' | 'open' } | { state: 'lost'; since: Date }

let line: Line = { state: 'opening' }
const watchers = new Set<() => void>()

function become(next: Line) {
  line = next
  watchers.forEach((tell) => tell())
}

/** The stream's state, for whoever shows it. */
export function useLine(): Line {
  return useSyncExternalStore(
    (tell) => {
      watchers.add(tell)
      return () => watchers.delete(tell)
    },
    () => line,
  )
}

/** What one event says, as far as the page goes by it. */
export type Happened = { name: string; attempt: number; seq: number; decision: string }

/** How soon a stream that ended is opened again, in milliseconds: doubled each time. */
const soonest = 500
const latest = 10_000

/**
 * Follows the events of all releases for as long as the page is open, and has what
 * they are about read again. A stream ends by itself now and then; it is opened
 * again where it ended, so nothing is missed.
 */
export function useLive() {
  const queries = useQueryClient()
  useEffect(() => follow(queries), [queries])
}

function follow(queries: QueryClient): () => void {
  let source: EventSource | undefined
  let again: ReturnType<typeof setTimeout> | undefined
  let pause = soonest
  let over = false
  const open = () => {
    source = new EventSource('/v1/events')
    source.onopen = () => {
      pause = soonest
      const lost = line.state === 'lost'
      become({ state: 'open' })
      if (lost) void queries.invalidateQueries()
    }
    source.onerror = () => {
      if (line.state !== 'lost') become({ state: 'lost', since: new Date() })
      if (source?.readyState !== EventSource.CLOSED) return // the browser tries again by itself
      again = setTimeout(open, pause)
      pause = Math.min(2 * pause, latest)
    }
    for (const decision of decisions) source.addEventListener(decision, (e) => heard(queries, JSON.parse(e.data) as Happened))
  }
  open()
  return () => {
    if (over) return
    over = true
    source?.close()
    clearTimeout(again)
  }
}

/** The names of events: what was decided (see Event in the API). */
const decisions = [
  'stay', 'start', 'advance', 'hold', 'step-back', 'correct', 'roll-back', 'promote', 'await-approval', 'pause', 'resume', 'finish', 'refuse', 'approval',
]

/** How soon after one event what others are about is read again, in milliseconds. */
const breath = 1_000

/** The releases that events were about since they were last read again. */
const due = new Set<string>()
let last = 0
let reading: ReturnType<typeof setTimeout> | undefined

function heard(queries: QueryClient, e: Happened) {
  due.add(e.name)
  reading ??= setTimeout(() => {
    reading = undefined
    last = Date.now()
    void queries.invalidateQueries({ queryKey: ['releases'] })
    void queries.invalidateQueries({ queryKey: ['services'] })
    for (const name of due) void queries.invalidateQueries({ queryKey: ['release', name] })
    due.clear()
  }, Math.max(0, last + breath - Date.now()))
}
