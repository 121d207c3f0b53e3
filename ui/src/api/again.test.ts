import { expect, it, vi } from 'vitest'

import { readAgain } from './again'

it('reads at once, then once for all that happened meanwhile, and not before what is read has come', async () => {
  vi.useFakeTimers()
  try {
    const begun: string[] = []
    let come = () => {}
    const happened = readAgain((key) => {
      begun.push(key)
      return key === 'slow' ? new Promise<void>((over) => (come = over)) : Promise.reject(new Error('lost'))
    }, 1_000)
    for (let i = 0; i < 5; i++) {
      happened('quick')
      happened('slow')
    }
    expect(begun).toEqual(['quick', 'slow'])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(begun).toEqual(['quick', 'slow', 'quick'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(begun).toEqual(['quick', 'slow', 'quick'])
    come()
    await vi.advanceTimersByTimeAsync(0)
    expect(begun).toEqual(['quick', 'slow', 'quick', 'slow'])
  } finally {
    vi.useRealTimers()
  }
})
