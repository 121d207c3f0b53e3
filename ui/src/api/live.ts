import { useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useSyncExternalStore } from 'react'

import { readAgain } from './again'

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
type Happened = { name: string }

/** How soon a stream that ended is opened again, in milliseconds: doubled each time. */
const soonest = 500
const latest = 10_000

/** How long a stream may be away before that is said: it ends now and then, and is open again in two seconds. */
const grace = 4_000

/** How soon after one event what others are about is read again, in milliseconds. */
const breath = 1_000

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
  let away: ReturnType<typeof setTimeout> | undefined
  let missed = false // what happened while no stream was open
  const happened = readAgain((key) => queries.invalidateQueries({ queryKey: JSON.parse(key) as string[] }), breath)
  const open = () => {
    source = new EventSource('/v1/events')
    source.onopen = () => {
      pause = soonest
      clearTimeout(away)
      away = undefined
      const lost = line.state === 'lost'
      become({ state: 'open' })
      if (lost || missed) void queries.invalidateQueries()
      missed = false
    }
    source.onerror = () => {
      const since = new Date()
      away ??= setTimeout(() => become({ state: 'lost', since }), grace)
      if (source?.readyState !== EventSource.CLOSED) return // the browser tries again by itself, from where it ended
      missed = true
      void queries.invalidateQueries({ queryKey: ['me'] }) // it was refused: whoever looks may be logged in no more
      again = setTimeout(open, pause)
      pause = Math.min(2 * pause, latest)
    }
    for (const decision of decisions) source.addEventListener(decision, (e) => {
      const { name } = JSON.parse(e.data) as Happened
      for (const key of [['releases'], ['services'], ['release', name]]) happened(JSON.stringify(key))
    })
  }
  open()
  return () => {
    source?.close()
    clearTimeout(again)
    clearTimeout(away)
  }
}

/** The names of events: what was decided (see Event in the API). */
const decisions = [
  'stay', 'start', 'advance', 'hold', 'step-back', 'correct', 'roll-back', 'promote', 'await-approval', 'pause', 'resume', 'finish', 'refuse', 'approval',
]
