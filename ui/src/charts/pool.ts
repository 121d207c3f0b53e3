import type { Column, Track } from '../api/course'

/** How many of the candidate's events a stretch should have for its rate to be more than chance, and how few stretches are left at least. */
const enough = 8
const least = 40

type Stretch = Track['baseline']

/**
 * How many neighbouring stretches of a track are made one, so that the line shows
 * what happened and not how few requests there were.
 */
export function grain(track: Track): number {
  if (track.kind !== 'ratio' && track.kind !== 'histogram') return 1
  const seen = track.candidate.n.filter((n) => n > 0).length
  const events = track.candidate.events.reduce((a, b) => a + b, 0)
  if (seen === 0) return 1
  const wanted = Math.ceil((enough * seen) / Math.max(1, events))
  return Math.max(1, Math.min(wanted, Math.floor(track.time.length / least)))
}

/** A track's rates in coarser stretches, exactly: events out of all. */
export function pooled(track: Track, k: number): { time: number[]; baseline: Stretch; candidate: Stretch } {
  if (k <= 1) return track
  return { time: ends(track.time, k), baseline: coarser(track.baseline, k), candidate: coarser(track.candidate, k) }
}

function ends(time: number[], k: number): number[] {
  return time.filter((_, i) => i % k === k - 1 || i === time.length - 1)
}

function coarser(s: Stretch, k: number): Stretch {
  const sums = (of: number[]) => {
    const out: number[] = []
    of.forEach((x, i) => (out[Math.floor(i / k)] = (out[Math.floor(i / k)] ?? 0) + x))
    return out
  }
  const [n, events] = [sums(s.n), sums(s.events)]
  const value: Column = n.map((all, i) => (all > 0 ? (events[i] ?? 0) / all : null))
  return { n, events, value }
}
