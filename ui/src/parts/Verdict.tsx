import { IconArrowBackUp, IconCheck, IconHandStop, IconHourglass, IconPlayerPlay, IconX, type Icon } from '@tabler/icons-react'

import { capital } from '../words/text'
import css from './Verdict.module.css'

type Look = { word: string; sign: Icon; colour: 'good' | 'bad' | 'warn' | 'quiet' | 'ink' }

const verdicts: Record<string, Look> = {
  pass: { word: 'pass', sign: IconCheck, colour: 'good' },
  fail: { word: 'fail', sign: IconX, colour: 'bad' },
  wait: { word: 'wait', sign: IconHourglass, colour: 'quiet' },
}

const outcomes: Record<string, Look> = {
  running: { word: 'running', sign: IconPlayerPlay, colour: 'ink' },
  promoted: { word: 'promoted', sign: IconCheck, colour: 'good' },
  'rolled-back': { word: 'rolled back', sign: IconArrowBackUp, colour: 'bad' },
  held: { word: 'held', sign: IconHourglass, colour: 'quiet' },
  aborted: { word: 'aborted', sign: IconHandStop, colour: 'warn' },
}

function Pill({ look, word }: { look: Look; word?: string }) {
  return (
    <span className={`${css.pill} ${css[look.colour]}`}>
      <look.sign size={14} stroke={2.4} aria-hidden />
      {word ?? look.word}
    </span>
  )
}

/** What a guardrail came to: pass, fail or wait, by a word, a sign and a colour. */
export function Verdict({ verdict }: { verdict: string }) {
  return <Pill look={verdicts[verdict] ?? { ...verdicts.wait!, word: verdict }} />
}

/** How a release ended, or the phase it is in while it runs. */
export function Outcome({ outcome, phase }: { outcome: string; phase?: string }) {
  const look = outcomes[outcome] ?? { ...outcomes.running!, word: outcome }
  if (outcome !== 'running' || !phase) return <Pill look={look} />
  return <Pill look={phase === 'failed' ? { ...look, sign: IconX, colour: 'bad' } : look} word={capital(phase)} />
}
