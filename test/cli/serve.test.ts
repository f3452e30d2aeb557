import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pollhook } from './run.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollhook-serve-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops a relay cleanly, with code 0', async (name) => {
  const { code, out, err } = await pollhook(['serve'], {
    env: {
      PORT: '0',
      POLLHOOK_DB: join(folder, 'pollhook.db'),
      POLLHOOK_API_KEYS: 'acme=a-key-of-at-least-24-characters',
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
    },
    signal: { at: '"listening"', name },
  })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('"stopped"')
})
