import { expect } from 'vitest'

import { scenario } from './scenario'
import { ask } from './stage'

scenario('the report of a release opens from a file, without a network', { offline: true }, async (page) => {
  const { file } = await ask<{ file: string }>('report')
  const asked: string[] = []
  page.on('request', (r) => asked.push(r.url()))
  await page.goto('file://' + file)
  await page.getByRole('heading', { level: 1 }).getByText('checkout 2.14.0').waitFor()
  await page.getByText(/Rolled back from step 2 of 4/).first().waitFor()
  await page.getByRole('region', { name: 'Decisions' }).getByText('rolled back').first().waitFor()
  expect(await page.getByRole('button', { name: 'Try again…' }).count()).toBe(0) // nothing can be ordered of a file
  expect(asked.filter((url) => !/^(file|data|blob):/.test(url))).toEqual([])
})
