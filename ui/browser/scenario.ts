import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { chromium, type Browser, type BrowserContextOptions, type ConsoleMessage, type Page } from 'playwright-core'
import { inject, test } from 'vitest'

import { issuer, linnet } from './stage'

/** A person's way of looking: who they are, on what. */
export type Looks = {
  /** Who logs in, as the identity provider knows them; nobody where left out. */
  as?: string
  phone?: boolean
  dark?: boolean
  /** Complaints of the console that belong to the scenario, such as an answer of 403. */
  mayComplain?: RegExp
  /** The clock of the page, which then stands still. */
  at?: Date
  /** No connection to anything. */
  offline?: boolean
}

/** The sizes of window that all pages are looked at in. */
export const wide = { width: 1440, height: 900 }
/** A phone held upright. */
export const phone = { width: 390, height: 844 }

/** How long anything may take that a person waits for, in milliseconds; a machine with other work must not fail a test. */
export const patience = 60_000

/** An approval is sent again where the release was only looked at since it was shown. */
export const looked = /status of 412/

let browser: Promise<Browser> | undefined

/** Somebody at a window of their own, and what was wrong with the page that they would not see. */
export class Seat {
  readonly complaints: string[] = []

  private constructor(readonly page: Page, private readonly looks: Looks) {
    page.setDefaultTimeout(patience)
    page.on('console', (m) => this.heard(m))
    page.on('pageerror', (e) => this.complaints.push(`threw: ${e.stack ?? e.message}`))
    page.context().on('request', (r) => {
      const url = new URL(r.url())
      if (['data:', 'blob:', 'file:'].includes(url.protocol) || url.origin === linnet || (issuer !== '' && url.origin === new URL(issuer).origin)) return
      this.complaints.push(`asked somebody else: ${r.url()}`)
    })
  }

  static async take(looks: Looks): Promise<Seat> {
    browser ??= chromium.connect(inject('browser'))
    const options: BrowserContextOptions = {
      baseURL: linnet, viewport: looks.phone ? phone : wide, hasTouch: looks.phone, isMobile: looks.phone,
      colorScheme: looks.dark ? 'dark' : 'light', reducedMotion: 'reduce', locale: 'en-GB', timezoneId: 'Europe/Berlin', offline: looks.offline,
    }
    const context = await (await browser).newContext(options)
    if (looks.at) await context.clock.setFixedTime(looks.at)
    const seat = new Seat(await context.newPage(), looks)
    if (looks.as) await seat.logIn(looks.as)
    return seat
  }

  /** Logs in as people do: at the provider, which leads back. */
  async logIn(name: string) {
    await this.page.goto('/v1/login/start?to=/plan')
    await this.page.getByRole('link', { name }).click()
    await this.page.waitForURL('**/plan')
  }

  private heard(m: ConsoleMessage) {
    if (m.type() !== 'error' && m.type() !== 'warning') return
    const text = `${m.text()} (${m.location().url})`
    if (!this.looks.mayComplain?.test(text)) this.complaints.push(`the console says: ${text}`)
  }

  leave() {
    return this.page.context().close()
  }

  /** What a person would see, for whoever reads why a scenario failed. */
  async describe(name: string): Promise<string> {
    const folder = process.env.LINNET_BROWSER_FAILURES ?? 'failures'
    mkdirSync(folder, { recursive: true })
    const picture = join(folder, name.replace(/\W+/g, '-') + '.png')
    const text = await this.page.screenshot({ path: picture, timeout: 10_000 }).then(() => this.page.innerText('body', { timeout: 5_000 })).catch((e: Error) => e.message)
    return [`at ${this.page.url()}, seen in ${picture}:`, text.slice(0, 1_500), ...this.complaints].join('\n')
  }
}

/** One scenario: somebody at a window. It fails where the page complains of itself, too. */
export function scenario(name: string, looks: Looks, play: (page: Page, seat: Seat) => Promise<void>) {
  test(name, async () => {
    const seat = await Seat.take(looks)
    try {
      await play(seat.page, seat)
      if (seat.complaints.length > 0) throw new Error('the page is not in order')
    } catch (e) {
      if (e instanceof Error) e.message += `\n\n${await seat.describe(name)}\n`
      throw e
    } finally {
      await seat.leave()
    }
  })
}

/** Waits until what is in view is shown; what lies below is asked for when it is looked at. */
export async function settled(page: Page) {
  await page.waitForFunction(() => ![...document.querySelectorAll('[aria-busy=true], .mantine-Skeleton-root')].some((e) => e.getBoundingClientRect().top < innerHeight))
}
