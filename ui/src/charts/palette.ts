import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useState } from 'react'

/** The colours that drawings on a canvas use, read from the page's variables. */
export type Palette = { [name in (typeof names)[number]]: string }

const names = ['ink', 'quiet', 'line', 'card', 'baseline', 'candidate', 'good', 'bad', 'quiet-soft'] as const

/**
 * The colours as they are now; read again when the page turns light or dark, and once
 * it stands: a page that has its data at once draws before it has its variables.
 */
export function usePalette(): Palette {
  const scheme = useComputedColorScheme('light')
  const [palette, set] = useState(read)
  useEffect(() => set((was) => {
    const now = read()
    return names.every((n) => was[n] === now[n]) ? was : now
  }), [scheme])
  return palette
}

function read(): Palette {
  const style = getComputedStyle(document.documentElement)
  return Object.fromEntries(names.map((n) => [n, style.getPropertyValue(`--${n}`).trim() || '#888'])) as Palette
}

/** A colour that lets what is behind it through; share from 0 to 1. */
export function faint(colour: string, share: number): string {
  const hex = /^#([0-9a-f]{6})$/i.exec(colour)
  if (!hex?.[1]) return colour
  return colour + Math.round(share * 255).toString(16).padStart(2, '0')
}
