/** A stop is a stop, on a full disk too: what could not be written is made again after the next start. */
import Sqlite from 'better-sqlite3'
import { afterEach, expect, it, vi } from 'vitest'
import { type NodePollhook, startNode } from '../../src/node.ts'
import { apiKey, openSilent, openWorld, type World } from '../support/relay-process.ts'

let world: World

afterEach(() => {
  vi.useRealTimers()
})

async function start(lines: string[]) {
  const env = { ...world.env, PORT: '0', POLLHOOK_API_KEYS: `acme=${apiKey}` }
  return startNode(env, (line) => lines.push(line))
}

/** SQLite's words for a full disk, for every attempt that is to be settled. */
function fillDisk(file: string): { free(): void } {
  const sqlite = new Sqlite(file)
  sqlite.exec(`CREATE TRIGGER full BEFORE UPDATE OF attempts ON deliveries
    BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END`)
  return {
    free() {
      sqlite.exec('DROP TRIGGER full')
      sqlite.close()
    },
  }
}

/** Under a fake clock: a stop waits for what is under way. */
async function stopWhileTimePasses(relay: NodePollhook): Promise<void> {
  let stopped = false
  void relay.stop().then(() => {
    stopped = true
  })
  const passSecond = () => {
    vi.advanceTimersByTime(1_000)
    return stopped
  }
  await expect.poll(passSecond, { timeout: 10_000 }).toBe(true)
}

it('an attempt that cannot be settled does not hold up the end, and is made again after the next start', async () => {
  world = await openWorld(() => ({ status: 'completed', error: 0 }))
  const lines: string[] = []
  const relay = await start(lines)
  // In step with the clock until the test moves them.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true })
  const disk = fillDisk(world.env.POLLHOOK_DB!)
  await fetch(`${relay.url}/v1/subscriptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ task_token: '7'.repeat(32), callback_url: world.callbackUrl('/hook') }),
  })
  await expect.poll(() => lines.join(''), { timeout: 10_000 }).toContain('attempts could not be settled')

  await stopWhileTimePasses(relay)
  const said = lines.map((line) => JSON.parse(line) as { message: string; attempts?: number })
  expect(said.slice(-2)).toEqual([
    expect.objectContaining({ message: expect.stringContaining('made again'), attempts: 1 }),
    expect.objectContaining({ message: 'stopped' }),
  ])
  // Nothing that still waited meets the closed file.
  const printed = lines.length
  vi.advanceTimersByTime(60_000)
  expect(lines).toHaveLength(printed)
  vi.useRealTimers()

  disk.free()
  const again = await start([])
  await world.until(() => world.received.length === 2)
  await again.stop()
  expect(new Set(world.received.map(({ webhookId }) => webhookId)).size).toBe(1)
})

it('a status call that the end cuts off is no failure of upstream', async () => {
  world = await openWorld(() => ({}))
  const silent = await openSilent()
  world.env.POLLHOOK_UPSTREAM_URL = silent.url
  const relay = await start([])
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true })
  await fetch(`${relay.url}/v1/subscriptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ task_token: '7'.repeat(32), callback_url: world.callbackUrl('/hook') }),
  })
  await expect.poll(() => silent.calls.length, { timeout: 10_000 }).toBe(1)
  await stopWhileTimePasses(relay)
  vi.useRealTimers()
  const sqlite = new Sqlite(world.env.POLLHOOK_DB!)
  expect(sqlite.prepare('SELECT polling, failing_since FROM tasks').all()).toEqual([
    { polling: 1, failing_since: null },
  ])
  expect(sqlite.prepare("SELECT value FROM meta WHERE key = 'upstream_failure_seen_at'").all()).toEqual([])
  sqlite.close()
})

it('an attempt that the end cuts off is none of its receiver, and is made again after the next start', async () => {
  world = await openWorld(() => ({ status: 'completed', error: 0 }))
  const silent = await openSilent()
  const relay = await start([])
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true })
  await fetch(`${relay.url}/v1/subscriptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ task_token: '7'.repeat(32), callback_url: `${silent.url}/hook` }),
  })
  await expect.poll(() => silent.calls.length, { timeout: 10_000 }).toBe(1)
  await stopWhileTimePasses(relay)
  vi.useRealTimers()
  const sqlite = new Sqlite(world.env.POLLHOOK_DB!)
  expect(sqlite.prepare('SELECT state, attempts, attempt_log FROM deliveries').all()).toEqual([
    { state: 'pending', attempts: 0, attempt_log: expect.stringMatching(/^\[ *\]$/) },
  ])
  expect(sqlite.prepare('SELECT failures FROM endpoints').pluck().all()).toEqual([0])
  sqlite.close()
})

it('an attempt that does not end keeps no event stream from ending in order', async () => {
  world = await openWorld(() => ({ status: 'encoding', error: 0 }))
  const silent = await openSilent()
  const relay = await start([])
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'], shouldAdvanceTime: true })
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  await fetch(`${relay.url}/v1/subscriptions`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ task_token: '7'.repeat(32), callback_url: `${silent.url}/hook` }),
  })
  await expect.poll(() => silent.calls.length, { timeout: 10_000 }).toBe(1)
  const stream = await fetch(`${relay.url}/v1/tasks/${'7'.repeat(32)}/events`, { headers })
  // Cut off it would reject.
  const streamed = expect(stream.text()).resolves.toContain('task.encoding')
  await stopWhileTimePasses(relay)
  vi.useRealTimers()
  await streamed
})
