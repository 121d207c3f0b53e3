import { Alert, Button, Group, Radio, Stack, Text, Textarea } from '@mantine/core'
import { useRef, useState } from 'react'

import type { Assessment, Judgement } from '../../api/course'
import { Explain } from '../../parts/Explain'
import { At } from '../../parts/time'
import classes from './release.module.css'

/** Says what a person thinks of how a release was decided; throws where it is not taken. */
export type Say = (judgement: Judgement, reason: string, key: string) => Promise<void>

const words: { [j in Judgement]: string } = {
  right: 'It was right', 'false-alarm': 'It was a false alarm: nothing was wrong with the candidate', 'missed-harm': 'It missed harm: the candidate should not have been promoted',
}

/** Was this right? What people say here is counted on the service's page, and never changes a decision. */
export function Assess({ outcome, said, say }: { outcome: string; said?: Assessment; say?: Say }) {
  const [judgement, setJudgement] = useState<Judgement | ''>('')
  const [reason, setReason] = useState('')
  const [state, setState] = useState<'' | 'sending' | 'sent' | { wrong: string }>('')
  const key = useRef({ key: '', of: '' })
  if (!say && !said) return null
  const offered = (Object.keys(words) as Judgement[]).filter((j) => j !== (outcome === 'promoted' ? 'false-alarm' : 'missed-harm'))
  const send = async () => {
    if (!say || judgement === '') return
    if (key.current.of !== judgement + reason) key.current = { key: crypto.randomUUID(), of: judgement + reason }
    setState('sending')
    try {
      await say(judgement, reason.trim(), key.current.key)
      setState('sent')
      setReason('')
      setJudgement('')
    } catch (cause) {
      setState({ wrong: cause instanceof Error ? cause.message : 'It was not taken.' })
    }
  }
  return (
    <section className="card" aria-label="Was this right?">
      <h2 className={classes.heading}>Was this right? <Explain what="falseAlarm" /></h2>
      {said && <Text size="sm">{words[said.judgement]}: “{said.reason}” <span className="quiet">{said.by}, <At time={said.time} /></span></Text>}
      {say && (
        <form className="no-print" onSubmit={(e) => {
          e.preventDefault()
          void send()
        }}>
          <Stack gap="sm" mt="xs" maw={620}>
            <Radio.Group label={said ? 'Say otherwise' : 'What do you say of the decision, now that it is known?'} value={judgement} onChange={(v) => setJudgement(v as Judgement)}>
              <Stack gap={8} mt={6}>{offered.map((j) => <Radio key={j} value={j} label={words[j]} />)}</Stack>
            </Radio.Group>
            {judgement !== '' && <Textarea label="Why" required maxLength={1000} autosize minRows={2} value={reason} onChange={(e) => setReason(e.currentTarget.value)} />}
            <div aria-live="polite">
              {state === 'sent' && <Text size="sm">Kept. Thank you.</Text>}
              {typeof state === 'object' && <Alert color="amber" title="It was not taken">{state.wrong}</Alert>}
            </div>
            {judgement !== '' && <Group><Button type="submit" variant="default" size="sm" loading={state === 'sending'} disabled={reason.trim() === ''}>Keep it</Button></Group>}
          </Stack>
        </form>
      )}
    </section>
  )
}
