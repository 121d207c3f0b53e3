import { defineConfig } from 'vitest/config'

// What runs in a browser, against a `linnet serve` that a Go test started: see
// app/e2e_pages_test.go. One after the other, in one browser.
const kind = process.env.LINNET_BROWSER_KIND ?? 'test'

export default defineConfig({
  test: {
    include: [`browser/*.${kind}.ts`],
    globalSetup: ['browser/open.ts'],
    environment: 'node',
    pool: 'threads', // ends with this process, however it ends
    fileParallelism: false,
    isolate: false,
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: ['verbose'],
  },
})
