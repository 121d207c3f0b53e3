import type { Schemas } from '../api/client'

type Record = Schemas['Record']
type Comparison = Schemas['RecordComparison']

/** Whom a release waits for now: how many, and of which group. */
export function awaited(r: Pick<Record, 'approvals' | 'steps'>): string | undefined {
  const asked = [r.approvals, ...r.steps.map((s) => s.approvals)].find((a) => a?.missing)
  return asked && `${asked.missing} ${asked.missing === 1 ? 'approval' : 'approvals'} from ${asked.from}`
}

/** How many guardrails pass, wait and fail, in words: "1 fails, 2 wait, 5 pass". */
export function tally(all: readonly Pick<Comparison, 'verdict'>[]): string {
  const of = (verdict: string) => all.filter((c) => c.verdict === verdict).length
  const say = (n: number, one: string, many: string) => (n > 0 ? [`${n} ${n === 1 ? one : many}`] : [])
  return [...say(of('fail'), 'fails', 'fail'), ...say(of('wait'), 'waits', 'wait'), ...say(of('pass'), 'passes', 'pass')].join(', ')
}

/** The versions that are compared: which is in use, and which shall be. */
export function versions(arms: readonly Schemas['RecordArm'][]): { baseline?: string; candidate?: string } {
  return { baseline: arms[0]?.version, candidate: arms[1]?.version }
}
