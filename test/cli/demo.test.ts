import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { pollhook } from './run.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollhook-demo-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('demo --exit follows three jobs to their ends, verifies every webhook and leaves nothing', async () => {
  const { code, out, err } = await pollhook(['demo', '--exit', '--speed', '6'], { env: { TMPDIR: folder } })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  for (const name of ['beach', 'interview']) expect(out).toMatch(new RegExp(`${name} +task\\.completed`))
  expect(out).toMatch(/concert +task\.failed .*verified {2}Failed to transcode/)
  expect(out).toMatch(/3 of 3 jobs ended .*; \d+ webhooks verified, 0 refused/)
  expect(out).not.toContain('\u001b')
  expect(await readdir(folder)).toEqual([])
})

test.each(['SIGINT', 'SIGHUP'] as const)('demo stays up until %s, then stops all cleanly', async (name) => {
  const { code, out, err } = await pollhook(['demo', '--speed', '20'], {
    env: { TMPDIR: folder },
    signal: { at: 'Ctrl-C stops it all.', name },
  })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('/v1/start_encode2 -d task_token=')
  expect(await readdir(folder)).toEqual([])
})

test('demo --exit ends with code 1 and says why when the time is up', async () => {
  const { code, out, err } = await pollhook(['demo', '--exit', '--time-limit', '1ms'], {
    env: { TMPDIR: folder },
  })
  expect(code).toBe(1)
  expect(err).toContain('try a longer --time-limit')
  expect(out).toContain('0 of 3 jobs ended (none)')
  expect(await readdir(folder)).toEqual([])
})
