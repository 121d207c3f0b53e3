import { useDebouncedCallback } from '@mantine/hooks'
import { useState } from 'react'

/**
 * The text of a field that goes into the address once nobody types any more. Where
 * something else changes the address, the text follows; never by what was typed
 * since the address was set.
 */
export function useTyped(value: string | undefined, set: (value: string | undefined) => void): [text: string, type: (text: string) => void] {
  const [text, write] = useState(value ?? '')
  const [seen, see] = useState(value)
  const [sent, send] = useState(value)
  const settle = useDebouncedCallback((typed: string | undefined) => {
    send(typed)
    set(typed)
  }, 300)
  if (value !== seen) {
    see(value)
    if (value !== sent) {
      send(value)
      write(value ?? '')
    }
  }
  return [text, (typed) => {
    write(typed)
    settle(typed.trim() || undefined)
  }]
}
