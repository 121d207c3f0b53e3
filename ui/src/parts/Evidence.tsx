import { Box } from '@mantine/core'

import { evidenceWords, type Proof } from '../words/evidence'
import css from './Evidence.module.css'

/** How sure it is that the candidate does harm: a bar on its way to the threshold, and the same in words. */
export function Evidence({ proof, verdict, severity, of }: { proof: Proof; verdict: string; severity?: string; of?: string }) {
  const words = evidenceWords(proof, verdict, severity)
  const crossed = verdict === 'fail'
  const part = crossed ? 1 : Math.max(0, Math.min(1, proof.progress))
  const level = Math.round(100 * part)
  return (
    <div className={css.evidence}>
      <div className={css.track} role="meter" aria-label={of ? `Evidence of harm by ${of}` : 'Evidence of harm'} aria-valuemin={0} aria-valuemax={100} aria-valuenow={level} aria-valuetext={words}>
        <Box className={`${css.fill} ${crossed ? css.crossed : ''}`} __vars={{ '--part': `${level}%` }} />
      </div>
      <span className={css.words} aria-hidden>{words}</span>
    </div>
  )
}
