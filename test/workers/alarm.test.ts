/** The alarm is a shard's way back from an eviction or a crash (DESIGN §4): when it is armed, and when it stays. */
import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RelayShard } from '../../src/worker.ts'
import { upstreamUrl } from './bindings.ts'
import { type Call, newShard, openWorld, register, until, type World } from './world.ts'

let world: World
/** Upstream takes a call and says nothing for as long as this holds. */
let silent: boolean
let underWay: number
/** Each test has a shard of its own: what the one before left to be done would arm the alarm, too. */
let shard: () => DurableObjectStub
let call: Call

beforeEach(() => {
  world = openWorld()
  ;({ shard, call } = newShard())
  world.statusOf = () => ({ status: 'completed' })
  silent = false
  underWay = 0
  const answer = globalThis.fetch
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    if (url.startsWith(upstreamUrl)) {
      underWay++
      while (silent) await new Promise((resolve) => setTimeout(resolve, 5))
      underWay--
    }
    return answer(url, init)
  })
})

afterEach(async () => {
  silent = false
  await until(() => underWay === 0)
})

const nameOf = (one: unknown) => (one as { ctx: DurableObjectState }).ctx.id.name
const alarmAt = () => runInDurableObject(shard(), (_instance, { storage }) => storage.getAlarm())

/** The alarm that was armed before a status call comes while the call is under way. */
async function alarmDuringCall(before: (storage: DurableObjectStorage) => void = () => {}) {
  silent = true
  const { task_token: token } = await register(call)
  await until(() => underWay > 0)
  await runInDurableObject(shard(), (_instance, { storage }) => before(storage))
  const { mock } = vi.spyOn(RelayShard.prototype, 'alarm')
  /** What the handler of this shard came to: those of other tests have alarms, too. */
  const handled = () => mock.settledResults[mock.contexts.findIndex((one) => nameOf(one) === shard().name)]
  // It rejects where the object is torn down under it.
  const over = runDurableObjectAlarm(shard()).catch(() => false)
  await until(() => handled() !== undefined)
  await call('GET', '/healthz')
  return { token, handled, over }
}

it('is armed anew when it comes while a status call is under way', async () => {
  await alarmDuringCall()
  expect(await alarmAt()).not.toBeNull()
})

it('stays until a status call that is under way is over', async () => {
  const { handled, over } = await alarmDuringCall()
  expect(handled()?.type).toBe('incomplete')
  silent = false
  expect(await over).toBe(true)
})

it('is armed at the next occasion when it could not be', async () => {
  await alarmDuringCall((storage) => {
    vi.spyOn(storage, 'setAlarm').mockRejectedValueOnce(new Error('out of reach'))
  })
  expect(await alarmAt()).toBeNull()
  await call('GET', '/healthz')
  expect(await alarmAt()).not.toBeNull()
})

it('is armed anew by a shard whose alarm has used up its retries, as while it could not start', async () => {
  await call('GET', '/healthz')
  const threeMinutesAgo = Date.now() - 180_000
  await runInDurableObject(shard(), async (_instance, { storage }) => {
    await storage.deleteAlarm()
    // The storage keeps the time of an alarm that nobody will bring any more. Shards of other tests may ask as well.
    vi.spyOn(Object.getPrototypeOf(storage), 'getAlarm').mockResolvedValue(threeMinutesAgo)
  })
  await abortAllDurableObjects()
  await call('GET', '/healthz')
  vi.restoreAllMocks()
  expect(await alarmAt()).not.toBeNull()
})

it('is armed anew by whatever starts a shard that has lost it, before its first pass', async () => {
  silent = true
  await register(call)
  await until(() => underWay > 0)
  await runInDurableObject(shard(), (_instance, { storage }) => storage.deleteAlarm())
  await abortAllDurableObjects()
  underWay = 0
  // Evicted before its first timer it would never come back.
  vi.spyOn(globalThis, 'setTimeout').mockReturnValue(0 as never)
  expect(await alarmAt()).not.toBeNull()
})

it('brings a shard back that died in the middle of a status call, with nobody calling it', async () => {
  const { token } = await alarmDuringCall()
  await abortAllDurableObjects()
  underWay = 0
  silent = false
  await until(() => world.received.some((one) => one.token === token))
})
