import type { Level, Track } from '../api/course'
import { boundText, toleratedRatio, valueText } from '../words/effect'
import { percent, times } from '../words/number'
import type { Line } from './marks'
import { closed, evidenceRange, ratioRange, valueRange } from './scale'
import type { Picture, Rule } from './shape'

/** What all charts of a page have in common. */
export type Frame = { from: number; to: number; lines: Line[] }

/** What of a histogram is drawn over time. */
export type View = 'share' | 'p50' | 'p99'

/** What of a track is drawn: its own stretches, or coarser ones. */
export type Shown = Pick<Track, 'time' | 'baseline' | 'candidate'>

/** Both arms over time, with what is usual behind them. */
export function armsPicture(track: Track, shown: Shown, frame: Frame, view: View = 'share'): Picture {
  const of = (arm: Track['baseline']) => (view === 'share' ? arm.value : arm[view]) ?? []
  const [baseline, candidate] = [of(shown.baseline), of(shown.candidate)]
  const rules = view === 'share' ? limits(track) : []
  const zone = view === 'share' ? usual(track.history) : undefined
  const levels = zone ? [zone.from, zone.to] : []
  return {
    ...frame, worded: true, time: shown.time, zone, rules,
    traces: [{ values: baseline, colour: 'baseline' }, { values: candidate, colour: 'candidate' }],
    y: {
      range: valueRange([baseline, candidate], track.kind !== 'gauge', [...rules.map((r) => r.at), ...levels]),
      write: view === 'share' ? (v) => valueText(track, v) : (v) => boundText(v, track.unit),
    },
  }
}

/** A limit that the value itself may not cross; those of histograms are about a quantile. */
function limits(track: Track): Rule[] {
  if (track.against !== 'limit' || track.limit === null || track.limit === undefined || track.kind === 'histogram') return []
  return [{ at: track.limit, text: 'limit', colour: 'bad', dash: [6, 4] }]
}

/** Where the baseline of earlier releases was: all of a few, the middle four fifths of many. */
export function usual(history: Level[]): { from: number; to: number } | undefined {
  const values = history.map((l) => l.value).filter(Number.isFinite).sort((a, b) => a - b)
  if (values.length < 2) return undefined
  const cut = values.length < 10 ? 0 : Math.floor(values.length / 10)
  return { from: values[cut] ?? 0, to: values[values.length - 1 - cut] ?? 0 }
}

/** How much worse, and how sure: the confidence sequence that narrows. Undefined where no ratio is known. */
export function funnelPicture(track: Track, frame: Frame): Picture | undefined {
  if (track.ratio.every((r) => r === null)) return undefined
  const tolerated = toleratedRatio(track)
  const exclude = track.exclude ?? 0
  const levels = [tolerated ?? 1, ...(exclude > 1 && exclude <= 8 ? [exclude] : [])]
  const range = ratioRange(track.ratio, track.low, track.high, levels)
  const band = closed(track.low, track.high, range)
  const rules: Rule[] = [{ at: 1, text: '', colour: 'quiet', dash: [1, 3] }]
  if (tolerated !== undefined) rules.push({ at: tolerated, text: `tolerated: ${times(tolerated)}`, colour: 'bad', dash: [6, 4] })
  if (exclude > 1 && exclude < range[1]) rules.push({ at: exclude, text: `a pass rules out ${times(exclude)}`, colour: 'quiet', dash: [6, 4] })
  return {
    ...frame, time: track.time, rules, y: { range, log: true, write: ratioText },
    traces: [{ values: band.high, colour: 'candidate', width: 0, band: true }, { values: band.low, colour: 'candidate', width: 0 }, { values: track.ratio, colour: 'candidate' }],
  }
}

/** A multiple on an axis: halves and quarters as such. */
export function ratioText(x: number): string {
  if (x === 0.5) return '½×'
  if (x === 0.25) return '¼×'
  if (x < 1 && Math.abs(Math.log2(x) % 1) < 1e-9) return `1⁄${Math.round(1 / x)}×`
  return `${Number(x.toPrecision(3))}×`
}

/** How sure, on the way to enough. Undefined where the method has no evidence. */
export function evidencePicture(track: Track, frame: Frame): Picture | undefined {
  if (track.evidence.every((e) => e === null) && track.evidence_for_pass.every((e) => e === null)) return undefined
  return {
    ...frame, time: track.time, rules: [{ at: 1, text: 'enough', colour: 'bad', dash: [6, 4] }, { at: 0, text: '', colour: 'quiet', dash: [1, 3] }],
    y: { range: evidenceRange([track.evidence, track.evidence_for_pass]), write: percent },
    traces: [{ values: track.evidence, colour: 'ink' }, { values: track.evidence_for_pass, colour: 'quiet', dash: [5, 4], width: 1.5 }],
  }
}

/** The stretch of time that all charts show: of all tracks, with a little room where nothing was seen yet. */
export function stretch(tracks: Pick<Track, 'time'>[], from?: string, to?: string): [number, number] {
  const begin = from ? Date.parse(from) : Math.min(...tracks.map((t) => t.time[0] ?? Infinity))
  const end = Math.max(to ? Date.parse(to) : -Infinity, ...tracks.map((t) => t.time[t.time.length - 1] ?? -Infinity))
  if (!Number.isFinite(begin) || !Number.isFinite(end)) return [0, 60_000]
  return [begin, Math.max(end, begin + 10_000)]
}
