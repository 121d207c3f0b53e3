import { expect } from 'vitest'

import { scenario } from './scenario'
import { ask } from './stage'

scenario('the server goes away and comes back', { as: 'vera@example.com', mayComplain: /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_NETWORK_IO_SUSPENDED/ }, async (page) => {
  await page.goto('/')
  await page.getByRole('link', { name: 'checkout-2.14.0' }).waitFor()
  await ask('kill')
  const lost = page.getByRole('status').filter({ hasText: 'The connection to Linnet is lost' })
  await lost.getByText(/Since .*\d\d:\d\d/).waitFor()
  expect(await page.getByRole('link', { name: 'checkout-2.14.0' }).isVisible()).toBe(true) // what was there stays
  await ask('start')
  await lost.waitFor({ state: 'detached' })
})
