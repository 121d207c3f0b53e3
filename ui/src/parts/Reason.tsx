import { sentence } from '../words/text'

/** Why, in the words of whoever decided; its code, for who looks for it in the docs, on hover. */
export function Reason({ reason }: { reason: { code: string; text: string } }) {
  return <span title={reason.code || undefined}>{sentence(reason.text)}</span>
}
