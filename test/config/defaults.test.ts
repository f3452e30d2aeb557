/** What is so when nothing is said of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { variables } from '../../src/config.ts'
import { configOf } from './env.ts'

describe('defaults', () => {
  it('are those of the contract when only keys and a secret are given', () => {
    const { apiKeys: _keys, secrets: _secrets, upstream, ...rest } = configOf({})
    expect(upstream.apiOrigin).toBe('https://api.qencode.com')
    expect(upstream.hostPatterns).toEqual([{ host: 'qencode.com', below: true, port: null }])
    expect(rest).toEqual({
      listen: { host: '127.0.0.1', port: 8080 },
      databasePath: 'data/pollhook.db',
      poll: {
        intervalMs: 5_000,
        intervalMaxMs: 30_000,
        batch: 100,
        concurrency: 4,
        timeoutMs: 20_000,
        lostAfterMs: 600_000,
      },
      watch: { defaultMs: 86_400_000, maxMs: 604_800_000 },
      delivery: {
        timeoutMs: 15_000,
        concurrency: 256,
        endpointConcurrency: 64,
        retryScheduleMs: [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000],
        retryScheduleInterimMs: [5_000, 30_000],
      },
      callbacks: { insecure: false, privateCidrs: [] },
      signingKey: null,
      ownerQuota: 100_000,
      retentionMs: 2_592_000_000,
      shards: [{ generation: 1, shards: 1 }],
      logLevel: 'info',
    })
  })

  it('stand for a variable that is set to nothing', () => {
    expect(configOf({ PORT: '', POLLHOOK_POLL_BATCH: ' ' })).toEqual(configOf({}))
  })

  it('are the values in the README, which names every variable', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
    const missing = variables.filter((name) => !readme.includes(`\`${name}\``))
    expect(missing).toEqual([])
  })
})
