/** A back-up put back under the real binary: what ended since is told under an id and a seq that nobody has seen. */
import { copyFileSync, rmSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { pollhook } from '../cli/run.ts'
import { openWorld, startRelay } from '../support/relay-process.ts'

it('a relay that goes on with an old copy repeats no webhook id and no seq', async () => {
  let state: Record<string, unknown> = { status: 'encoding', percent: 10 }
  const world = await openWorld(() => ({ error: 0, ...state }), { POLLHOOK_POLL_INTERVAL_MAX: '100ms' })
  const { env, received } = world
  const file = env.POLLHOOK_DB!
  let relay = await startRelay(env)
  const body = { task_token: 'a'.repeat(32), callback_url: world.callbackUrl('/hook') }
  expect((await relay.call('POST', '/v1/subscriptions', body)).status).toBe(201)
  await world.until(() => received.length === 1)
  const running = new Sqlite(file, { readonly: true })
  await running.backup(`${file}.copy`)
  running.close()

  for (const percent of [50, 90]) {
    const told = received.length
    state = { status: 'encoding', percent }
    await world.until(() => received.length > told)
  }
  await relay.kill()

  for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
  copyFileSync(`${file}.copy`, file)
  const { code, out, err } = await pollhook(['restored'], { env: { POLLHOOK_DB: file } })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('The task in it goes on above seq ')
  const before = [...received]
  state = { status: 'completed', percent: 100 }
  relay = await startRelay(env)
  await world.until(() => received.some(({ type }) => type === 'task.completed'))

  const end = received.find(({ type }) => type === 'task.completed')!
  expect(end.subscriptionId).toBe(before[0]!.subscriptionId)
  expect(before.map(({ webhookId }) => webhookId)).not.toContain(end.webhookId)
  expect(end.seq).toBeGreaterThan(Math.max(...before.map(({ seq }) => seq)))
}, 60_000)
