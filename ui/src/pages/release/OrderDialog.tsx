import { Alert, Anchor, Button, Group, Modal, Stack, Text, Textarea } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'

import type { Record } from '../../api/course'
import { outcomeTitles, type Choice, type Outcome } from '../../words/orders'
import { sentence } from '../../words/text'
import type { Act } from './Buttons'

type Dialog = { choice: Choice; record: Record; act: Act; close: () => void }

/** Says what an order will do, asks why, gives it, and shows what became of it. */
export function OrderDialog({ choice, record, act, close }: Dialog) {
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const [outcome, setOutcome] = useState<Outcome | null>(null)
  // An order is the same one however often this dialog sends it, as long as it says the same.
  const sent = useRef({ key: '', reason: '' })
  const opened = useRef(record)
  useFocusBack()
  const moved = opened.current.phase !== record.phase || opened.current.weight !== record.weight
  const over = outcome !== null && ['taken', 'waits', 'begun'].includes(outcome.kind)
  const missing = choice.reason === true && reason.trim() === ''

  const send = async () => {
    if (sent.current.key === '' || sent.current.reason !== reason || outcome?.kind === 'refused') sent.current = { key: crypto.randomUUID(), reason }
    setSending(true)
    setOutcome(await act({ verb: choice.verb, reason: reason.trim(), key: sent.current.key, seen: record }))
    setSending(false)
  }
  return (
    // The lock of scrolling would write a style without the page's nonce.
    <Modal opened lockScroll={false} onClose={close} title={choice.label.replace('…', '') + ` ${record.name}`} centered closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={(e) => {
        e.preventDefault()
        if (over) close()
        else if (!missing && !sending) void send()
      }}>
        <Stack gap="md">
          <Text size="sm">{choice.does}</Text>
          {moved && !outcome && <Alert color="amber" role="status">Since you opened this: {sentence(record.sentence)}</Alert>}
          {!over && (
            <Textarea
              label="Why" description={choice.reason ? 'Others will read it in the decision log. It is required here.' : 'Others will read it in the decision log.'}
              required={choice.reason} maxLength={1000} autosize minRows={2} data-autofocus value={reason} onChange={(e) => setReason(e.currentTarget.value)}
            />
          )}
          <div aria-live="polite">{outcome && <Shown outcome={outcome} />}</div>
          <Group justify="flex-end" gap="sm">
            {!over && <Button variant="default" onClick={close}>Leave it</Button>}
            <Button type="submit" loading={sending} disabled={missing && !over}>
              {over ? 'Close' : outcome ? 'Send again' : choice.label.replace('…', '')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** What wants another thought stands out. */
const thought = ['waits', 'changed', 'refused', 'failed']

function Shown({ outcome }: { outcome: Outcome }) {
  return (
    <Alert color={thought.includes(outcome.kind) ? 'amber' : 'gray'} title={outcomeTitles[outcome.kind]}>
      {outcome.text}{' '}
      {outcome.kind === 'begun' && (
        <Anchor href={`/releases/${encodeURIComponent(outcome.name)}/${outcome.attempt}`}>Go to attempt {outcome.attempt}</Anchor>
      )}
    </Alert>
  )
}

/** Where a dialog goes, the focus goes back to what opened it, or to the page if that is gone. */
function useFocusBack() {
  const [before] = useState(() => document.activeElement)
  useEffect(() => () => (before instanceof HTMLElement && before.isConnected ? before : document.getElementById('main'))?.focus(), [before])
}
