import { Box } from '@mantine/core'
import { useImperativeHandle, useRef, type Ref } from 'react'

import type { Schemas } from '../../api/client'
import { faultText, offset } from '../../words/fault'
import css from './Editor.module.css'

/** What others can do with the editor: go to a place in the text. */
export type Jump = { to: (line: number, column?: number) => void }

/** A text with numbered lines, of which those with something wrong are marked. */
export function Editor({ text, set, faults, jump }: { text: string; set: (text: string) => void; faults: readonly Schemas['Fault'][]; jump: Ref<Jump> }) {
  const area = useRef<HTMLTextAreaElement>(null)
  useImperativeHandle(jump, () => ({
    to(line, column) {
      const at = offset(area.current!.value, line, column)
      area.current!.focus()
      area.current!.setSelectionRange(at, at)
      area.current!.closest('[data-frame]')?.scrollTo({ top: Math.max(0, (line - 4) * 20) })
    },
  }))
  const wrong = new Map<number, string>()
  for (const f of faults) if (f.line) wrong.set(f.line, [wrong.get(f.line), faultText(f)].filter(Boolean).join('\n'))
  const lines = Math.max(16, text.split('\n').length)
  return (
    <div className={css.frame} data-frame>
      <div className={css.gutter} aria-hidden>
        {Array.from({ length: lines }, (_, i) => <span key={i} className={`${css.number} ${wrong.has(i + 1) ? css.wrong : ''}`} title={wrong.get(i + 1)}>{wrong.has(i + 1) ? '! ' : ''}{i + 1}</span>)}
      </div>
      <Box
        component="textarea" ref={area} className={css.text} rows={lines} value={text} onChange={(e) => set(e.currentTarget.value)} wrap="off"
        spellCheck={false} autoCapitalize="off" autoCorrect="off" aria-label="Release file" aria-invalid={faults.length > 0} aria-describedby="faults"
        placeholder={'Paste a release file here: apiVersion: linnet/v1 …'}
      />
    </div>
  )
}
