/**
 * A quiet Durable Object is put out of memory within seconds, without notice: what a shard must know later is on
 * its disk (DESIGN §3.4). Here a shard is quiet while it polls nothing; a crash is the matter of shard.test.ts.
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, it, vi } from 'vitest'
import { call, json, newToken, openWorld, until, type World } from './world.ts'

let world: World

/** In the tests' workerd a timer that has not come keeps its object in memory, as outside nothing does. */
const farMs = 1_000

beforeEach(() => {
  const { setTimeout } = globalThis
  vi.stubGlobal('setTimeout', (work: () => void, ms = 0) => (ms > farMs ? 0 : setTimeout(work, ms)))
  world = openWorld()
})

const shard = () => env.SHARDS.get(env.SHARDS.idFromName('1:0'))

async function inMemory(): Promise<unknown> {
  let found: unknown
  await runInDurableObject(shard(), (instance) => {
    found = instance
  })
  return found
}

const token = newToken()

/** @returns the id, once its first event was delivered */
async function register(): Promise<string> {
  const body = { task_token: token, callback_url: 'https://app.example.com/hooks' }
  const { id } = await json<{ id: string }>(call('POST', '/v1/subscriptions', body))
  await until(() => world.received.some(({ subscriptionId }) => subscriptionId === id))
  return id
}

it('a shard that was evicted between two polls of a task neither loses a transition nor repeats one', async () => {
  let state: Record<string, unknown> = { status: 'encoding', percent: 10 }
  world.statusOf = () => state
  const first = await register()
  await call('DELETE', `/v1/subscriptions/${first}`)
  const before = await inMemory()
  await evictDurableObject(shard())

  const second = await register()
  expect(await inMemory()).not.toBe(before)
  state = { status: 'encoding', percent: 20 }
  await until(() => world.received.some(({ type }) => type === 'task.progress'))
  state = { status: 'completed', percent: 100 }
  await until(() => world.received.some(({ type }) => type === 'task.completed'))
  await evictDurableObject(shard())

  expect(world.received.map(({ type, seq, subscriptionId }) => [type, seq, subscriptionId])).toEqual([
    ['task.encoding', 1, first],
    ['task.encoding', 1, second],
    ['task.progress', 2, second],
    ['task.completed', 3, second],
  ])
  const task = await json<{ transitions: { seq: number; percent: number }[] }>(
    call('GET', `/v1/tasks/${token}`),
  )
  expect(task.transitions.map(({ seq, percent }) => [seq, percent])).toEqual([
    [1, 10],
    [2, 20],
    [3, 100],
  ])
})
