import { expect } from 'vitest'

import { scenario } from './scenario'

const bad = '/releases/checkout-2.14.0/1'

scenario('a person finds the region that was bad', { as: 'vera@example.com' }, async (page) => {
  await page.goto(bad)
  const worst = page.getByRole('button', { name: / fail .*shows its track/ }).first()
  await worst.click()
  const segment = new URL(page.url()).searchParams.get('segment')
  expect(segment).toMatch(/^region=/)
  await page.getByRole('button', { name: 'Back to all traffic' }).waitFor()
  await page.reload() // the address is enough to find it again
  await page.getByRole('button', { name: 'Back to all traffic' }).click()
  await page.getByRole('button', { name: 'Back to all traffic' }).waitFor({ state: 'detached' })
})

scenario('a decision is computed again', { as: 'vera@example.com' }, async (page) => {
  await page.goto(bad)
  await page.getByRole('button', { name: /Replay up to record/ }).first().click()
  await page.getByText(/The same again, over \d+ records; the chain of hashes holds/).waitFor()
})
