/** POLLHOOK_RETENTION over simulated weeks: what goes, when, in how small steps, and what the file does. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import {
  accepted,
  type EngineWorld,
  hour,
  minute,
  newToken,
  openWorld,
  rejected,
  second,
} from '../engine/world.ts'

const day = 24 * hour
let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollhook-retention-'))
  file = join(folder, 'relay.db')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Another reader of the file, as a back-up tool is. */
function read<T>(sql: string): T {
  const reader = new Sqlite(file, { readonly: true })
  const rows = reader.prepare(sql).all() as T
  reader.close()
  return rows
}

const count = (table: string) => read<[{ n: number }]>(`select count(*) as n from ${table}`)[0].n
const pages = () => {
  const reader = new Sqlite(file, { readonly: true })
  const all = reader.pragma('page_count', { simple: true }) as number
  reader.close()
  return all
}

async function finishTasks(world: EngineWorld, tasks: number): Promise<string[]> {
  const tokens = Array.from({ length: tasks }, newToken)
  for (const token of tokens) {
    world.statuses.set(token, { status: 'completed', videos: [{ url: `https://cdn.example.com/${token}` }] })
  }
  await Promise.all(tokens.map((taskToken) => world.register({ taskToken })))
  await world.run(second)
  return tokens
}

it('two months: history goes after 30 days, the file stops growing, what is active stays', async () => {
  const slowly = { POLLHOOK_POLL_INTERVAL: '1h', POLLHOOK_POLL_INTERVAL_MAX: '12h' }
  const env = { ...slowly, POLLHOOK_RETENTION: '30d', POLLHOOK_WATCH_MAX: '100d' }
  const world = openWorld(env, { database: file })
  const active = newToken()
  await world.register({ taskToken: active, expiresInMs: 100 * day, callbackUrl: 'https://a.example.com/' })
  const sizes: number[] = []
  for (let week = 1; week <= 9; week++) {
    await finishTasks(world, 60)
    await world.run(7 * day)
    sizes.push(pages())
    // Five weeks' tasks at most are younger than 30 days, and the one that goes on.
    expect(count('tasks')).toBeLessThanOrEqual(5 * 60 + 1)
  }
  expect(count('subscriptions')).toBe(count('tasks'))
  expect(count('deliveries')).toBe(count('tasks'))
  expect(count('transitions')).toBe(count('tasks'))
  // Freed pages are used again: after the first full window the file does not grow by more than a few pages.
  expect(Math.max(...sizes.slice(6))).toBeLessThanOrEqual(sizes[5]! * 1.1)
  expect(world.relay().store.task(world.ownerId, active)).toMatchObject({ status: 'encoding' })
})

it('a relay that never lives longer than a minute forgets as well', async () => {
  const world = openWorld({ POLLHOOK_RETENTION: '30m' }, { database: file })
  await finishTasks(world, 3)
  for (let starts = 0; starts < 45; starts++) {
    await world.run(minute)
    world.crash()
    world.start()
  }
  expect(count('tasks')).toBe(0)
})

it('goes in small commits between which the passes run', async () => {
  const steps: { tasks: number; deliveries: number }[] = []
  const wrapStore = (store: Store): Store => ({
    ...store,
    forgetFinished(...of) {
      const done = store.forgetFinished(...of)
      steps.push(done)
      return done
    },
  })
  const world = openWorld({ POLLHOOK_RETENTION: '1d' }, { database: file, wrapStore })
  await finishTasks(world, 900)
  await world.run(3 * day)
  expect(count('tasks')).toBe(0)
  expect(count('deliveries')).toBe(0)
  const busy = steps.filter(({ tasks, deliveries }) => tasks + deliveries > 0)
  expect(busy.length).toBeGreaterThan(3)
  expect(Math.max(...busy.map(({ tasks, deliveries }) => tasks + deliveries))).toBeLessThanOrEqual(500)
})

it('what still waits when its history goes is cancelled first, with that reason', async () => {
  const ends: string[] = []
  const ignore = () => {}
  const observer = {
    recorded: ignore,
    settled: ignore,
    created: ignore,
    lagged: ignore,
    called: ignore,
    writeFailed: ignore,
    finished: ({ state }: { state: string }) => ends.push(state),
  }
  const world = openWorld({ POLLHOOK_RETENTION: '1d' }, { database: file, observer })
  const made = []
  for (let n = 0; n < 3; n++) made.push(await world.register())
  await world.run(second)
  world.receiver.answer = () => rejected(500)
  for (const { taskToken } of made) await world.change(taskToken, { status: 'completed' })
  const { commands } = world.relay()
  await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, { paused: true }))
  await world.run(hour)
  expect(count("deliveries where state = 'pending'")).toBe(3)
  await world.run(2 * day)
  expect(ends).toEqual(['cancelled', 'cancelled', 'cancelled'])
  expect(count('deliveries')).toBe(0)
  const before = world.sent.length
  world.receiver.answer = () => accepted
  await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, { paused: false }))
  await world.run(hour)
  expect(world.sent).toHaveLength(before)
})

it('who registers to a task that ended long ago is told of it as long as anybody else', async () => {
  const world = openWorld({ POLLHOOK_RETENTION: '1d' }, { database: file })
  const [taskToken] = await finishTasks(world, 1)
  await world.run(day - hour)
  const late = await world.register({ taskToken: taskToken!, callbackUrl: 'https://app.example.com/late' })
  await world.run(day - hour)
  expect(world.subscription(late.id)).toMatchObject({ state: 'completed' })
  await world.run(2 * hour)
  expect(count('tasks')).toBe(0)
})

it('the id of a forgotten delivery is no other one, also after a start', async () => {
  const world = openWorld({ POLLHOOK_RETENTION: '1d' }, { database: file })
  const idOf = async () => {
    const taskToken = newToken()
    world.statuses.set(taskToken, { status: 'completed' })
    const made = await world.register({ taskToken })
    await world.run(second)
    return world.deliveries(made)[0]!.id
  }
  const first = await idOf()
  await world.run(2 * day)
  world.crash()
  world.start()
  const next = await idOf()
  expect(next).not.toBe(first)
  const { store } = world.relay()
  expect([store.delivery(world.ownerId, first), store.delivery(world.ownerId, next)]).toMatchObject([
    null,
    { id: next },
  ])
})

it('what goes while it is under way settles nothing else', async () => {
  const world = openWorld({ POLLHOOK_RETENTION: '1d' }, { database: file })
  const held = await world.register({ events: ['task.completed'] })
  const pause = (paused: boolean) =>
    world.after(world.relay().commands.updateEndpoint(world.ownerId, world.endpoint().id, { paused }))
  await pause(true)
  await world.change(held.taskToken, { status: 'completed' })
  // Which number was given out last is on disk only.
  world.crash()
  world.start()
  world.receiver.answer = () => world.later(10 * second, accepted)
  await pause(false)
  await world.run(second)
  const { store } = world.relay()
  for (let after: number | null = 0; after !== null; )
    after = store.forgetFinished(after, Number.MAX_SAFE_INTEGER).after
  const taskToken = newToken()
  world.statuses.set(taskToken, { status: 'completed' })
  const next = await world.register({ taskToken, callbackUrl: 'https://app.example.com/next' })
  await world.run(minute)
  expect(world.deliveries(next)).toMatchObject([{ type: 'task.completed', state: 'delivered', attempts: 1 }])
  expect(world.sent.filter(({ url }) => url.endsWith('/next'))).toHaveLength(1)
})

it.each<[string, (world: EngineWorld, taskToken: string) => unknown, string]>([
  ['completed', (world, taskToken) => world.change(taskToken, { status: 'completed' }), 'task.completed'],
  ['expired', (world) => world.run(2 * hour), 'task.expired'],
])(
  'what a pause held of a task that %s meanwhile is kept for the retention after its end',
  async (_how, end, type) => {
    const world = openWorld({ POLLHOOK_RETENTION: '1d' }, { database: file })
    const { commands } = world.relay()
    const one = await world.register({ expiresInMs: hour })
    await world.run(second)
    await world.after(commands.updateSubscription(world.ownerId, one.id, { state: 'paused' }))
    await end(world, one.taskToken)
    await world.run(3 * day)
    world.receiver.answer = () => rejected(500)
    await world.after(commands.updateSubscription(world.ownerId, one.id, { state: 'active' }))
    await world.run(day - hour)
    world.receiver.answer = () => accepted
    await world.run(hour / 2)
    expect(world.deliveries(one).at(-1)).toMatchObject({ type, state: 'pending' })
    await world.run(day)
    expect(count('subscriptions')).toBe(0)
  },
)
