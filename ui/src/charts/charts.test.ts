import { describe, expect, it } from 'vitest'

import type { Course, Size, Standing, Track } from '../api/course'
import { along, bars, cumulative, edges, filled, logTicks, nines } from './distribution'
import { dimensions, forestRange, place } from './forest'
import { labels, linesOf, near, type Line } from './marks'
import { ratioText, stretch, usual } from './pictures'
import { grain, pooled } from './pool'
import { closed, evidenceRange, last, nearest, ratioRange, ratioTicks, valueRange } from './scale'
import { path, thin } from './thin'

describe('the axis of ratios', () => {
  it('holds estimates, where the interval ended, and the levels', () => {
    const [bottom, top] = ratioRange([1, 2, 5.9], [0.001, 0.5, 3.4], [9000, 40, 9.8], [1.05])
    expect(bottom).toBeLessThan(0.81)
    expect(bottom).toBeGreaterThan(0.1)
    expect(top).toBeGreaterThan(9.8)
    expect(top).toBeLessThan(20)
  })
  it('leaves room where there is no upper bound yet', () => {
    const [, bounded] = ratioRange([2], [1], [3], [])
    const [, open] = ratioRange([2], [1], [null], [])
    expect(open).toBeGreaterThan(bounded)
  })
  it('is not lost in what nobody reads', () => {
    expect(ratioRange([500], [0.0001], [1e9], [])).toEqual([1 / 64, 64])
    expect(ratioRange([], [], [], [])).toEqual([1 / 1.5, 3])
  })
  it('has ticks with 1 among them', () => {
    for (const [bottom, top] of [[0.9, 1.3], [0.5, 4], [0.1, 20], [1 / 64, 64]] as const) {
      const ticks = ratioTicks(bottom, top)
      expect(ticks).toContain(1)
      expect(ticks.length).toBeGreaterThan(2)
      expect(ticks.length).toBeLessThan(12)
    }
    expect([0.5, 0.25, 0.125, 1, 2].map(ratioText)).toEqual(['½×', '¼×', '1⁄8×', '1×', '2×'])
  })
  it('draws a side that is not known as far as it reaches', () => {
    expect(closed([null, 0.5, 1], [3, null, 4], [0.5, 8])).toEqual({ low: [0.25, 0.5, 1], high: [3, 16, 4] })
    expect(closed([null], [null], [0.5, 8])).toEqual({ low: [null], high: [null] })
  })
})

describe('the axis of values', () => {
  it('begins at zero for shares and leaves room otherwise', () => {
    expect(valueRange([[0.01, null, 0.02]], true)[0]).toBe(0)
    const [bottom, top] = valueRange([[400, 410]], false)
    expect(bottom).toBeGreaterThan(390)
    expect(top).toBeLessThan(420)
  })
  it('is sensible of nothing, and of all the same', () => {
    expect(valueRange([[null]], true)).toEqual([0, 1])
    expect(valueRange([[0, 0]], true)).toEqual([0, 1])
    const [bottom, top] = valueRange([[5]], false)
    expect(bottom).toBeLessThan(5)
    expect(top).toBeGreaterThan(5)
  })
  it('shows evidence from nothing to enough', () => {
    expect(evidenceRange([[0.1]])).toEqual([0, 1.15])
    expect(evidenceRange([[-40, 9]])).toEqual([-1, 3])
  })
  it('knows the last number and the nearest instant', () => {
    expect(last([1, 2, null])).toBe(2)
    expect(last([null])).toBeNull()
    expect([5, 14, 16, 99].map((at) => nearest([0, 10, 20], at))).toEqual([0, 1, 2, 2])
    expect(nearest([7], 100)).toBe(0)
  })
})

describe('small lines', () => {
  it('are means of what is known', () => {
    expect(thin([1, 3, null, 5, null, null], 3)).toEqual([2, 5, null])
    expect(thin([1, 2], 5)).toEqual([1, 2])
  })
  it('have gaps where nothing is known', () => expect(path([0, 1, null, 1], [0, 1], 30, 10)).toBe('M0.0 10.0L10.0 0.0M30.0 0.0'))
})

describe('stretches with few events', () => {
  const arm = (n: number, every: number, of: number) => {
    const events = Array.from({ length: 400 }, (_, i) => (i % every === 0 ? of : 0))
    return { n: events.map(() => n), events, value: events.map((e) => e / n) }
  }
  const track = (candidate: Track['baseline'], kind = 'ratio') => ({ kind, time: candidate.n.map((_, i) => 1000 * i), baseline: arm(100, 1, 1), candidate }) as Track
  it('are made one until there is something to see', () => {
    expect(grain(track(arm(10, 4, 1)))).toBe(10) // bounded: forty are left
    expect(grain(track(arm(10, 1, 2)))).toBe(4)
    expect(grain(track(arm(10, 1, 50)))).toBe(1)
    expect(grain(track(arm(10, 4, 1), 'gauge'))).toBe(1)
    expect(grain(track(arm(0, 4, 0)))).toBe(1)
  })
  it('keep all events', () => {
    const coarse = pooled(track(arm(10, 4, 1)), 7)
    expect(coarse.time.length).toBe(Math.ceil(400 / 7))
    expect(coarse.time.at(-1)).toBe(399_000)
    expect(coarse.candidate.events.reduce((a, b) => a + b)).toBe(100)
    expect(coarse.candidate.value[0]).toBeCloseTo(2 / 70)
    expect(coarse.candidate.value.length).toBe(coarse.time.length)
  })
})

describe('distributions', () => {
  const d = { bounds: [0.01, 0.02, 0.05, 0.1, 1], baseline: [0, 90, 10, 0, 0, 0], candidate: [0, 80, 10, 0, 0, 10], quantiles: [] }
  it('add up', () => {
    expect(cumulative(d.baseline)).toEqual([0, 0.9, 1, 1, 1])
    expect(cumulative(d.candidate).map((s) => Number(s.toFixed(3)))).toEqual([0, 0.8, 0.9, 0.9, 0.9])
    expect(cumulative([0, 0])).toEqual([])
  })
  it('give the tail room', () => {
    expect([0, 0.9, 0.99, 0.999].map((s) => Number(nines(s).toFixed(6)))).toEqual([0, 1, 2, 3])
    expect(nines(1, 4)).toBe(4)
    expect(nines(0.9999999, 3)).toBe(3)
  })
  it('show the buckets that hold something, and what lies beyond', () => {
    expect(filled(d)).toEqual([0, 4])
    expect(filled({ ...d, candidate: d.baseline })).toEqual([0, 3])
    const [beyond] = bars(d.bounds, d.candidate, [0, 4]).slice(-1)
    expect(beyond).toEqual({ from: 1, to: 10, share: 0.1 })
    expect(edges(d.bounds, 0)[0]).toBeCloseTo(0.005)
  })
  it('have round ticks on their axis', () => {
    expect(logTicks(0.008, 1.2)).toEqual([0.01, 0.03, 0.1, 0.3, 1])
    expect(logTicks(0.001, 10)).toEqual([0.001, 0.01, 0.1, 1, 10])
    expect(logTicks(0, 1)).toEqual([])
    expect(along(0.1, 0.01, 1)).toBeCloseTo(0.5)
  })
})

describe('the forest', () => {
  const size = (ratio: number | null, low: number | null, high: number | null): Size => ({ ratio, low, high })
  it('is the same on both sides of 1 and within reason', () => {
    const [from, to] = forestRange([size(5.9, 3.4, 9.8), size(0.97, 0.5, 1.9)])
    expect(from * to).toBeCloseTo(1)
    expect(to).toBeGreaterThan(9.8)
    expect(forestRange([size(1, 0.0001, 1e9)])[1]).toBe(64)
  })
  it('opens a row to the sides that are not known', () => {
    expect(place(size(2, null, null), [0.25, 4])).toEqual({ point: 75, from: 0, to: 100, openLow: true, openHigh: true })
    expect(place(size(null, null, null), [0.25, 4]).point).toBeNull()
    expect(place(size(1, 0.5, 100), [0.25, 4])).toMatchObject({ from: 25, to: 100, openHigh: true, openLow: false })
  })
  it('puts the worst segment of each dimension first', () => {
    const row = (segment: string, verdict: Standing['verdict'], evidence: number | null): Standing => ({
      metric: 'errors', segment, kind: 'ratio', severity: 'guardrail', against: 'baseline', verdict, reason: { code: '', text: '' },
      baseline: { n: 1, events: 0, value: 0 }, candidate: { n: 1, events: 0, value: 0 }, effect: size(1, null, null), evidence, evidence_for_pass: null,
    })
    const all = [row('', 'wait', 0.5), row('region=eu', 'wait', 0.1), row('region=ap', 'fail', 1.2), row('region=us', 'wait', 0.4), row('zone=a', 'pass', null)]
    const found = dimensions(all, 'errors', 'baseline')
    expect(found.map((d) => [d.name, d.rows.map((r) => r.segment)])).toEqual([['region', ['region=ap', 'region=us', 'region=eu']], ['zone', ['zone=a']]])
    expect(dimensions(all, 'latency', 'baseline')).toEqual([])
  })
})

describe('marks', () => {
  const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString()
  const course = {
    marks: [
      { time: at(0), kind: 'weight', title: '10 %', seq: 2 },
      { time: at(5), kind: 'decision', title: 'stays', decision: 'stay', seq: 3 },
      { time: at(9), kind: 'decision', title: 'rolls back', decision: 'roll-back', text: 'errors', seq: 4 },
      { time: at(4), kind: 'order', title: 'pause', decision: 'pause', seq: 5 },
    ],
  } as { marks: Course['marks'] }
  it('are in order of time, with what others sent', () => {
    const lines = linesOf(course.marks, [{ id: '1', kind: 'incident', title: 'outage', text: '', url: '', service: '', team: '', environment: '', time: at(2), until: at(6), by: 'ann' }])
    expect(lines.map((l) => l.title)).toEqual(['10 %', 'outage', 'pause', 'rolled back'])
    expect(near(lines, Date.parse(at(5)), 1000).map((l) => l.title)).toEqual(['outage', 'pause'])
    expect(linesOf(undefined)).toEqual([])
  })
  it('keep the words of what matters most, and none over another', () => {
    const line = (time: number, title: string, kind: Line['kind']): Line => ({ time, title, text: '', kind })
    const lines = [line(10, '10 %', 'weight'), line(12, 'rolled back', 'verdict'), line(13, 'pause', 'people'), line(90, '50 %', 'weight'), line(50, 'paged', 'notice')]
    const found = labels(lines, (t) => t, [0, 100], (text) => 3 * text.length)
    expect(found.map((l) => l.text)).toEqual(expect.arrayContaining(['rolled back', '50 %']))
    expect(found.find((l) => l.text === '50 %')?.left).toBe(true) // no room on its right
    expect(found.map((l) => l.text)).not.toContain('paged')
    expect(labels([line(200, 'x', 'weight')], (t) => t, [0, 100], () => 5)).toEqual([])
  })
})

describe('what charts have in common', () => {
  it('is the time of the release', () => {
    expect(stretch([{ time: [5000, 90_000] }], '1970-01-01T00:00:01Z', '1970-01-01T00:01:20Z')).toEqual([1000, 90_000])
    expect(stretch([], undefined, undefined)).toEqual([0, 60_000])
  })
  it('is what earlier releases did, most of the time', () => {
    const level = (value: number) => ({ name: 'a', attempt: 1, time: '', value, n: 100 })
    expect(usual([level(1)])).toBeUndefined()
    expect(usual([level(3), level(1), level(2)])).toEqual({ from: 1, to: 3 })
    expect(usual(Array.from({ length: 20 }, (_, i) => level(i)))).toEqual({ from: 2, to: 17 })
  })
})
