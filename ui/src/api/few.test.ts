import { expect, it } from 'vitest'

import { few } from './few'

function gate() {
  let open = () => {}
  const opened = new Promise<void>((go) => (open = go))
  return { open, opened }
}

it('lets few run at a time, in order', async () => {
  const ask = few(2)
  const never = new AbortController().signal
  const gates = [gate(), gate(), gate()]
  const begun: number[] = []
  const all = gates.map((g, i) => ask(never, async () => {
    begun.push(i)
    await g.opened
    return i
  }))
  await Promise.resolve()
  expect(begun).toEqual([0, 1])
  gates[1]!.open()
  expect(await all[1]).toBe(1)
  await Promise.resolve()
  expect(begun).toEqual([0, 1, 2])
  gates[0]!.open()
  gates[2]!.open()
  expect(await Promise.all(all)).toEqual([0, 1, 2])
})

it('leaves out what nobody waits for any more, and what fails frees its place', async () => {
  const ask = few(1)
  const never = new AbortController().signal
  const left = new AbortController()
  const first = gate()
  const failing = ask(never, async () => {
    await first.opened
    throw new Error('no')
  })
  const given = ask(left.signal, async () => 'asked')
  const last = ask(never, async () => 'last')
  left.abort()
  first.open()
  await expect(failing).rejects.toThrow('no')
  await expect(given).rejects.toThrow()
  expect(await last).toBe('last')
})
