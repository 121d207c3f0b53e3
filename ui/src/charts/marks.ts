import type { Annotation, Course } from '../api/course'

/** A vertical line across all charts. */
export type Line = {
  /** Milliseconds since 1970. */
  time: number
  until?: number
  title: string
  text: string
  kind: 'weight' | 'verdict' | 'people' | 'outside' | 'notice'
}

/** What matters more keeps its words where there is room for one only. */
const order: Line['kind'][] = ['verdict', 'weight', 'people', 'outside', 'notice']

/** Decisions that end the matter, told before others. */
const verdicts: { [decision: string]: string } = { 'roll-back': 'rolled back', promote: 'promoted', 'step-back': 'stepped back', hold: 'held' }

/** All that happened, in order of time: what the record tells, and what others sent. */
export function linesOf(marks: Course['marks'] = [], annotations: Annotation[] = []): Line[] {
  const out: Line[] = []
  for (const m of marks) {
    const line = { time: Date.parse(m.time), title: m.title, text: m.text ?? '' }
    if (m.kind === 'weight') out.push({ ...line, kind: 'weight' })
    else if (m.decision && verdicts[m.decision]) out.push({ ...line, title: verdicts[m.decision] ?? m.title, kind: 'verdict' })
    else if (m.kind === 'notice') out.push({ ...line, kind: 'notice' })
    else if (m.kind === 'approval' || m.kind === 'order') out.push({ ...line, kind: 'people' })
  }
  for (const a of annotations) {
    out.push({ time: Date.parse(a.time), until: a.until ? Date.parse(a.until) : undefined, title: a.title, text: a.text, kind: 'outside' })
  }
  return out.filter((l) => Number.isFinite(l.time)).sort((a, b) => a.time - b.time)
}

/** Where the words of a line stand. */
export type Label = { x: number; text: string; kind: Line['kind']; left: boolean }

/**
 * Which lines get their words beside them, and where: none over another, what
 * matters more before the rest. Measure gives the width of a text in the same
 * pixels as x.
 */
export function labels(lines: Line[], toX: (time: number) => number, [left, right]: [number, number], measure: (text: string) => number): Label[] {
  const taken: [number, number][] = []
  const out: Label[] = []
  const byWeight = lines.map((l, i) => ({ l, i })).sort((a, b) => order.indexOf(a.l.kind) - order.indexOf(b.l.kind) || b.i - a.i)
  for (const { l } of byWeight) {
    if (l.kind === 'notice') continue // the line alone: notices go with decisions that are told
    const x = toX(l.time)
    if (x < left || x > right) continue
    const text = l.title.length > 28 ? l.title.slice(0, 27) + '…' : l.title
    const width = measure(text) + 8
    for (const flip of [false, true]) {
      const span: [number, number] = flip ? [x - width, x] : [x, x + width]
      if (span[0] < left || span[1] > right || taken.some(([a, b]) => span[0] < b && span[1] > a)) continue
      taken.push(span)
      out.push({ x, text, kind: l.kind, left: flip })
      break
    }
  }
  return out.sort((a, b) => a.x - b.x)
}

/** The lines near an instant. */
export function near(lines: Line[], at: number, within: number): Line[] {
  return lines.filter((l) => (l.until !== undefined && at >= l.time && at <= l.until) || Math.abs(l.time - at) <= within)
}
