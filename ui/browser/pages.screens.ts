import { join } from 'node:path'

import { phone, scenario, settled, wide } from './scenario'

// Pictures of every page, of the same releases at the same moment.
const at = new Date(process.env.LINNET_BROWSER_MOMENT ?? '2026-03-02T09:30:00Z')
const folder = process.env.LINNET_BROWSER_SCREENS ?? 'screens'

/** Each page by the name of its picture, what is there once it has come, and how much of it is shown, in pixels: on a wide window and on a phone. */
const pages: [name: string, path: string, there: string, heights: [number, number]][] = [
  ['releases', '/', 'Ended', [1180, 1500]],
  ['release', '/releases/checkout-2.14.0/1', 'Decisions', [1840, 1500]],
  ['approval', '/releases/payments-5.0.0/1', 'Decisions', [1000, 1500]],
  ['services', '/services', 'Services', [900, 1200]],
  ['service', '/services/checkout', 'checkout', [1000, 1200]],
  ['plan', '/plan?release=checkout-2.14.0%2F1', 'Plan', [1100, 1200]],
  ['audit', '/audit', 'Audit', [900, 1200]],
  ['system', '/system', 'System', [900, 1200]],
]

for (const [name, path, there, heights] of pages) {
  for (const dark of [false, true]) {
    for (const small of [false, true]) {
      const picture = [name, small && 'phone', dark && 'dark'].filter(Boolean).join('-')
      // The system tells since when it is up, which is now.
      scenario(picture, { dark, phone: small, at: name === 'system' ? undefined : at, mayComplain: /status of 404/ }, async (page) => {
        const size = small ? phone : wide
        await page.setViewportSize({ width: size.width, height: heights[small ? 1 : 0] })
        await page.goto(path)
        await page.getByRole('heading', { name: there }).first().waitFor()
        await settled(page)
        await page.screenshot({ path: join(folder, picture + '.png'), animations: 'disabled' })
      })
    }
  }
}
