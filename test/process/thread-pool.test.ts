/** libuv reads how many threads to make when it makes them: the relay must have said so by then. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openWorld, startRelay } from '../support/relay-process.ts'

function poolThreads(pid: number): number {
  const folder = `/proc/${pid}/task`
  const names = readdirSync(folder).map((thread) => readFileSync(`${folder}/${thread}/comm`, 'utf8'))
  return names.filter((name) => name.startsWith('libuv-worker')).length
}

it.skipIf(process.platform !== 'linux')('the relay looks names up in a pool of sixteen threads', async () => {
  const world = await openWorld(() => ({ status: 'completed', error: 0 }), {
    POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8,::1/128',
  })
  const relay = await startRelay(world.env)
  const callbackUrl = world.callbackUrl('/hook').replace('127.0.0.1', 'localhost')
  await relay.call('POST', '/v1/subscriptions', { task_token: '7'.repeat(32), callback_url: callbackUrl })
  await world.until(() => world.received.length === 1)
  expect(poolThreads(relay.pid)).toBe(16)
  expect(await relay.terminate()).toBe(0)
})
