/** An owner's settings reach every shard, also one that cannot be reached when they change. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { RelayShard } from '../../src/worker.ts'
import { both, listAll, type Page, placeOf, shardAt } from './several-shards.ts'
import {
  type Call,
  json,
  newToken,
  openWorld,
  register,
  registration,
  runCron,
  type Subscription,
  until,
  type World,
} from './world.ts'

let world: World

beforeEach(() => {
  world = openWorld()
})

describe('settings of an owner', () => {
  const places = ['2:0', '2:1', '2:2', '1:0', '1:1']
  /** Newest first; five at most, however often other tests rotate. */
  const secretsOf = async (answer: Promise<Response>) =>
    (await json<{ secrets: { secret: string }[] }>(answer)).secrets.map(({ secret }) => secret)

  it('reach every shard before the answer', async () => {
    const before = await secretsOf(both('GET', '/v1/signing-secret'))
    const rotated = await secretsOf(both('POST', '/v1/signing-secret/rotate', { overlap: 60 }))
    expect(rotated[0]).not.toBe(before[0])
    expect(rotated[1]).toBe(before[0])
    world.verifyWith(rotated[0]!)
    const made = await Promise.all(Array.from({ length: 10 }, () => register(both)))
    await until(() => made.every(({ id }) => world.received.some((one) => one.subscriptionId === id)))
    // What an earlier test left under way may still bear the secret before.
    const ids = made.map(({ id }) => id)
    expect(world.received.filter((one) => ids.includes(one.subscriptionId) && !one.verified)).toEqual([])
  })

  it('pause an endpoint in every shard, also in those that meet it later', async () => {
    const origin = `https://${newToken()}.example.com`
    const to = (router: Call) =>
      json<Subscription>(
        router('POST', '/v1/subscriptions', { ...registration(), callback_url: `${origin}/` }),
      )
    await to(both)
    const find = async () => {
      const all = await listAll<{ id: string; origin: string; paused: boolean; backlog: number }>(
        both,
        '/v1/endpoints',
        2,
      )
      return all.find((one) => one.origin === origin)!
    }
    const { id } = await find()
    const answer = await both('PATCH', `/v1/endpoints/${id}`, { paused: true, max_concurrency: 4 })
    expect(await json(answer)).toMatchObject({ id, paused: true, max_concurrency: 4 })
    world.received.length = 0
    const made = await Promise.all(Array.from({ length: 40 }, () => to(both)))
    expect(new Set(made.map((one) => placeOf(one.id))).size).toBe(3)
    await until(async () => (await find()).backlog >= 40)
    expect(world.received.filter(({ url }) => url.startsWith(origin))).toEqual([])
    await both('PATCH', `/v1/endpoints/${id}`, { paused: false })
    await until(() => made.every((one) => world.received.some((sent) => sent.subscriptionId === one.id)))
    expect((await both('PATCH', '/v1/endpoints/ep_unknown', { paused: true })).status).toBe(404)
  })

  it('that a shard did not get answer 503; the same again finishes them, and does not count twice', async () => {
    const before = await secretsOf(both('GET', '/v1/signing-secret'))
    const out = vi
      .spyOn(RelayShard.prototype, 'takeSettings')
      .mockRejectedValueOnce(new Error('out of reach'))
    const rotate = () => both('POST', '/v1/signing-secret/rotate', { overlap: 77 })
    expect((await rotate()).status).toBe(503)
    out.mockRestore()
    expect((await rotate()).status).toBe(200)
    const after = await secretsOf(both('GET', '/v1/signing-secret'))
    expect(after[0]).not.toBe(before[0])
    expect(after[1]).toBe(before[0])
  })

  it('pause an endpoint everywhere else while a shard cannot be reached, and there later', async () => {
    const origin = `https://${newToken()}.example.com`
    const to = () => both('POST', '/v1/subscriptions', { ...registration(), callback_url: `${origin}/` })
    const find = async () =>
      (
        await json<Page<{ id: string; origin: string; paused: boolean }>>(both('GET', '/v1/endpoints'))
      ).data.find((one) => one.origin === origin)!
    await to()
    const { id } = await find()
    const { endpointOf, takeSettings } = RelayShard.prototype
    const isGone = (shard: RelayShard) =>
      (shard as unknown as { ctx: DurableObjectState }).ctx.id.name === '1:1'
    vi.spyOn(RelayShard.prototype, 'endpointOf').mockImplementation(function (this: RelayShard, ...of) {
      return isGone(this) ? Promise.reject(new Error('out of reach')) : endpointOf.apply(this, of)
    })
    vi.spyOn(RelayShard.prototype, 'takeSettings').mockImplementation(function (this: RelayShard, ...of) {
      return isGone(this) ? Promise.reject(new Error('out of reach')) : takeSettings.apply(this, of)
    })
    expect((await both('PATCH', `/v1/endpoints/${id}`, { paused: true })).status).toBe(503)
    expect((await both('PATCH', '/v1/endpoints/ep_unknown', { paused: true })).status).toBe(503)
    vi.restoreAllMocks()
    const home = env.HOMES.get(env.HOMES.idFromName('acme'))
    expect((await home.settings()).endpoints[id]).toMatchObject({ paused: true })
    await runCron('2:3,1:2')
    const held = await to()
    expect(held.status).toBe(201)
    expect(await find()).toMatchObject({ paused: true })
  })

  it('reach a shard that died since the last change', async () => {
    const rotate = () => both('POST', '/v1/signing-secret/rotate', { overlap: 78 })
    expect((await rotate()).status).toBe(200)
    // The shard that takes the change has called this one before.
    await runInDurableObject(shardAt('2:1'), (_instance, state) => state.abort('died')).catch(() => {})
    expect((await rotate()).status).toBe(200)
  })

  it('that a shard missed are brought by the cron', async () => {
    const home = env.HOMES.get(env.HOMES.idFromName('acme'))
    const { version } = await home.change({ kind: 'rotate', overlapMs: 90_000 })
    await runCron('2:3,1:2')
    for (const place of places) {
      const copy = await runInDurableObject(shardAt(place), (_instance, state) =>
        state.storage.kv.get<{ version: number }>('settings:acme'),
      )
      expect(copy?.version).toBe(version)
    }
  })
})
