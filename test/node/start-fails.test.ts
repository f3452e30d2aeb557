/** A start that fails after it listened leaves nobody to ask, and nothing that goes on. */
import { syncBuiltinESMExports } from 'node:module'
import threads from 'node:worker_threads'
import { afterEach, expect, it, vi } from 'vitest'
import { startNode } from '../../src/node.ts'
import { apiKey, openWorld } from '../support/relay-process.ts'

afterEach(() => {
  vi.restoreAllMocks()
  syncBuiltinESMExports()
  vi.useRealTimers()
})

it('without a thread for checkpoints', async () => {
  const world = await openWorld(() => ({ status: 'encoding', error: 0 }))
  const env = { ...world.env, PORT: '0', POLLHOOK_API_KEYS: `acme=${apiKey}` }
  const first = await startNode(env, () => {})
  await fetch(`${first.url}/v1/subscriptions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ task_token: '7'.repeat(32), callback_url: world.callbackUrl('/hook') }),
  })
  await first.stop()

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], shouldAdvanceTime: true })
  const failure = new Error('no thread')
  withoutThreads(failure)
  const refused = startNode({ ...env, PORT: new URL(first.url).port }, () => {})
  await expect(refused).rejects.toBe(failure)
  await expect(fetch(`${first.url}/healthz`)).rejects.toThrow('fetch failed')
  const asked = world.calls.length
  for (let second = 0; second < 30; second++) {
    await vi.advanceTimersByTimeAsync(1_000)
    // Time for a call to arrive.
    await fetch(world.callbackUrl('/'), { method: 'POST', body: '{"data":{}}' })
  }
  expect(world.calls.length).toBe(asked)
})

/** Without processes to spare a thread cannot be made; a test cannot take them away from this process alone. */
function withoutThreads(failure: Error): void {
  const None = class {
    constructor() {
      throw failure
    }
  }
  vi.spyOn(threads, 'Worker').mockImplementation(None as unknown as typeof threads.Worker)
  syncBuiltinESMExports()
}
