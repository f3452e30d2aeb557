import { availableParallelism } from 'node:os'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'
import { testBindings } from './test/workers/bindings.ts'

export default defineConfig({
  test: {
    // One of two cores would stand idle: by default Vitest leaves one to itself, which has little to do.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/workers/**'],
          pool: 'forks',
          globalSetup: './test/support/built.ts',
          // Loading the modules anew for each file took a third of the time; no test changes one.
          isolate: false,
          testTimeout: 20_000,
          // Some start whole programs, such as the linter, which other files slow down.
          hookTimeout: 60_000,
        },
      },
      {
        // Inside workerd, against the Worker of wrangler.toml.
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: { bindings: testBindings },
          }),
        ],
        test: {
          name: 'workers',
          include: ['test/workers/**/*.test.ts'],
          // A workerd of its own and all modules anew for each file took half of the time.
          isolate: false,
          setupFiles: './test/workers/afresh.ts',
          testTimeout: 20_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
