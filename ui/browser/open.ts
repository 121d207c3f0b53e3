import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    browser: string
  }
}

/** Opens the one browser that all scenarios share, and closes it after them. */
export default async function open(project: TestProject) {
  const server = await chromium.launchServer({ executablePath: process.env.LINNET_BROWSER_PATH ?? '/usr/bin/chromium', args: ['--disable-gpu'] })
  project.provide('browser', server.wsEndpoint())
  return () => server.close()
}
