import type { Schemas } from '../api/client'

import { capital } from './text'

type Fault = Schemas['Fault']

/** Something wrong with a file or request, in one line: where, what, and what to do. */
export function faultText(f: Fault): string {
  const where = f.line ? `Line ${f.line}${f.column ? `, column ${f.column}` : ''}: ` : f.location ? `${capital(f.location)}: ` : ''
  return `${where}${f.path ? f.path + ': ' : ''}${f.problem}${f.hint ? ` (${f.hint})` : ''}`
}

/** Where a line and column (from 1, in characters) are in a text, as textareas count. */
export function offset(text: string, line: number, column = 1): number {
  let at = 0
  for (let n = 1; n < line; n++) {
    const end = text.indexOf('\n', at)
    if (end < 0) return text.length
    at = end + 1
  }
  const end = text.indexOf('\n', at)
  const whole = text.slice(at, end < 0 ? undefined : end)
  return at + [...whole].slice(0, Math.max(0, column - 1)).join('').length
}
