import { percent } from './number'

/** What evidence of harm is told of: part of the API's comparison. */
export type Proof = { progress: number; threshold: number }

/** How near the evidence of harm is to what is enough, in words. */
export function evidenceWords(proof: Proof, verdict: string, severity = 'critical'): string {
  const end = severity === 'warning' ? 'holding the release' : 'a rollback'
  if (proof.threshold <= 0) return verdict === 'fail' ? 'beyond what is allowed' : 'judged without odds'
  if (verdict === 'fail' || proof.progress >= 1) return 'crossed the threshold'
  if (proof.progress < 0.005) return 'no evidence of harm'
  return `${percent(Math.min(0.99, Math.round(100 * proof.progress) / 100))} of the way to ${end}`
}
