import { expect } from 'vitest'

import { looked, scenario } from './scenario'
import { ask, pageOf } from './stage'

scenario('a person watches a bad release roll back', { as: 'vera@example.com' }, async (page) => {
  const release = await ask('watched')
  await page.goto('/')
  await page.getByRole('link', { name: release.name }).click()
  await page.getByText('Observing').first().waitFor()
  await page.evaluate(() => document.body.setAttribute('data-loaded', 'once')) // a page that is loaded again has it not
  await ask('spoil')
  await page.getByRole('heading', { level: 1 }).getByText('shop 1.1.0').waitFor()
  await page.getByRole('main').getByText('Rolled back').first().waitFor()
  await page.getByRole('button', { name: /errors/i }).first().waitFor()
  expect(await page.evaluate(() => document.body.getAttribute('data-loaded'))).toBe('once')
})

scenario('a person of the asked group approves, and says why', { as: 'rita@example.com', mayComplain: looked }, async (page) => {
  const release = await ask('gate')
  await page.goto('/')
  await page.getByRole('listitem').filter({ hasText: release.name }).getByText('Waits for').waitFor()
  await page.getByRole('link', { name: release.name }).click()
  await page.getByRole('button', { name: 'Approve…' }).click()
  const dialog = page.getByRole('dialog')
  expect(await dialog.getByRole('button', { name: 'Approve' }).isEnabled()).toBe(false)
  await dialog.getByLabel('Why').fill('the totals of the till agree')
  await dialog.getByRole('button', { name: 'Approve' }).click()
  await dialog.getByText('Taken', { exact: true }).waitFor()
  await dialog.getByRole('button', { name: 'Close' }).last().click()
  const log = page.getByRole('region', { name: 'Decisions' })
  await log.getByText('the totals of the till agree').first().waitFor()
  await log.getByText('rita@example.com').first().waitFor()
})

scenario('a person without the role is told what they lack', { as: 'vera@example.com', mayComplain: /status of 403/ }, async (page) => {
  const release = await ask('gate')
  await page.goto(pageOf(release))
  await page.getByRole('button', { name: 'Approve…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Why').fill('it looks well to me')
  await dialog.getByRole('button', { name: 'Approve' }).click()
  await dialog.getByText('You may not do this').waitFor()
  await dialog.getByText(/needs the role approver/).waitFor()
  await dialog.getByRole('button', { name: 'Leave it' }).click()
  await page.getByRole('button', { name: 'Approve…' }).waitFor() // nothing has happened
})

scenario('somebody aborts, and somebody else finds who it was', { as: 'otto@example.com' }, async (page, seat) => {
  const release = await ask('gate')
  await page.goto(pageOf(release))
  await page.getByRole('button', { name: 'Abort…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Why').fill('the printer of the till is on fire')
  await dialog.getByRole('button', { name: 'Abort' }).click()
  await dialog.getByText('Taken', { exact: true }).waitFor()
  await page.goto('about:blank')
  await page.context().clearCookies()
  await seat.logIn('ada@example.com')
  await page.getByRole('link', { name: 'Audit' }).first().click()
  await page.getByLabel('On what').fill(release.name)
  await page.waitForURL(/object=/)
  const line = page.getByRole('row').filter({ has: page.getByText('release.abort', { exact: true }) })
  await line.getByText('“the printer of the till is on fire”').waitFor()
  await line.getByText('otto@example.com').waitFor()
})
