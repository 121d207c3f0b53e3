import { expect } from 'vitest'

import { scenario } from './scenario'
import { linnet } from './stage'

scenario('nobody is logged in: the page leads to the login and back', { mayComplain: /status of 401/ }, async (page) => {
  await page.goto('/services')
  await page.getByRole('banner').getByRole('link', { name: 'Log in' }).click()
  await page.getByRole('link', { name: 'vera@example.com' }).click()
  await page.getByText('vera@example.com').waitFor()
  expect(page.url()).toBe(linnet + '/services')
})
