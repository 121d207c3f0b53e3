import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

import { looked, phone, scenario, settled, wide } from './scenario'
import { ask, pageOf } from './stage'

/** Each page, and what is there once it has come. */
const pages: [path: string, there: string][] = [
  ['/', 'Ended'],
  ['/releases/checkout-2.14.0/1', 'Decisions'],
  ['/services', 'Services'],
  ['/services/checkout', 'checkout'],
  ['/plan', 'Plan'],
  ['/audit', 'Audit'],
  ['/system', 'System'],
  ['/releases/nowhere', 'There is no such page'],
]

const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']

/** What keeps some people from using the page as it is now. */
async function barriers(page: Page, where: string): Promise<string[]> {
  const found = await page.evaluate(async (tags) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run(document, { runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })
    return violations.flatMap((v) => v.nodes.slice(0, 4).map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary?.split('\n').slice(1, 3).join(' ').trim()}`))
  }, rules)
  return found.map((f) => `${where}: ${f}`)
}

/** How far the page can be moved sideways, in pixels. */
const sideways = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

// What is not configured is asked for all the same, to say so.
const unconfigured = /status of 404.*\/v1\/(notices|folders)/

for (const [path, there] of pages) {
  scenario(`everybody can use ${path}, in light and dark, on a wide window and a phone`, { as: 'ada@example.com', mayComplain: unconfigured }, async (page) => {
    await page.goto(path)
    await page.getByRole('heading', { name: there }).first().waitFor()
    await settled(page)
    await page.evaluate(axe.source)
    const found: string[] = []
    for (const size of [wide, phone]) {
      await page.setViewportSize(size)
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme })
        await page.waitForFunction((want) => document.documentElement.getAttribute('data-mantine-color-scheme') === want, colorScheme)
        found.push(...await barriers(page, `${size.width} ${colorScheme}`))
      }
      if (await sideways(page) > 0) found.push(`${size.width}: it can be moved sideways by ${await sideways(page)} px`)
    }
    expect(found).toEqual([])
  })
}

scenario('on a phone the sentence and the orders come before any chart', { as: 'otto@example.com', phone: true }, async (page) => {
  const release = await ask('gate')
  await page.goto(pageOf(release))
  const abort = page.getByRole('button', { name: 'Abort…' })
  await abort.waitFor()
  const lowest = async (of: ReturnType<Page['locator']>) => { const box = await of.boundingBox(); return box ? box.y + box.height : Infinity }
  expect(await lowest(abort)).toBeLessThan(phone.height)
  expect(await lowest(page.getByText(/needs an approval from release-managers/).first())).toBeLessThan(phone.height)
  await abort.tap()
  await page.getByRole('dialog').getByLabel('Why').waitFor()
  expect(await sideways(page)).toBe(0)
})

scenario('the colours follow the machine, and a button goes against it', { as: 'vera@example.com', dark: true }, async (page) => {
  await page.goto('/')
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = (colour: string) => (colour.match(/\d+/g) ?? []).slice(0, 3).every((part) => Number(part) > 200)
  await page.getByRole('heading', { name: 'Ended' }).waitFor()
  expect(light(await paper())).toBe(false)
  await page.getByRole('button', { name: 'Show in light' }).click()
  await page.getByRole('button', { name: 'Show in dark' }).waitFor()
  expect(light(await paper())).toBe(true)
  await page.reload()
  await page.getByRole('button', { name: 'Show in dark' }).waitFor() // and is remembered
})

/** Presses a key until something that is asked for has the focus, which can be seen. */
async function tabTo(page: Page, name: RegExp) {
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press('Tab')
    const on = await page.evaluate(() => {
      const e = document.activeElement
      if (!e) return { name: '', visible: false }
      const style = getComputedStyle(e)
      return { name: e.getAttribute('aria-label') ?? e.textContent ?? '', visible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 || e.tagName === 'TEXTAREA' || e.tagName === 'INPUT' }
    })
    if (on.name !== '') expect(on, 'the focus is seen').toMatchObject({ visible: true })
    if (name.test(on.name)) return
  }
  throw new Error(`the focus never came to ${String(name)}`)
}

scenario('by keyboard alone: to a release, and an approval', { as: 'rita@example.com', mayComplain: looked }, async (page) => {
  const release = await ask('gate')
  await page.goto('/')
  await page.getByRole('link', { name: release.name }).waitFor()
  await page.keyboard.press('Tab')
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the page')
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main')
  await tabTo(page, new RegExp(`^${release.name}`))
  await page.keyboard.press('Enter')
  await page.getByRole('button', { name: 'Approve…' }).waitFor()
  await tabTo(page, /^Approve…/)
  await page.keyboard.press('Enter')
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Why').waitFor()
  for (let i = 0; i < 8; i++) {
    await page.keyboard.press('Tab')
    expect(await dialog.evaluate((d) => d.contains(document.activeElement)), 'the focus stays in the dialog').toBe(true)
  }
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Approve…')
  await page.keyboard.press('Enter')
  await dialog.getByLabel('Why').waitFor()
  await page.keyboard.type('by hand')
  await tabTo(page, /^Approve$/)
  await page.keyboard.press('Enter')
  await dialog.getByText('Taken', { exact: true }).waitFor()
})
