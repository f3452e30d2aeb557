/** A change of the number of shards loses nothing: by a new generation, and never by an edit of one. */
import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { RelayShard } from '../../src/worker.ts'
import { both, listAll, old, oldest, placeOf, shardAt, tokenOf } from './several-shards.ts'
import {
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

describe('a new generation', () => {
  it('leaves unfinished tasks where they are, and every id valid', async () => {
    const token = newToken()
    const before = await register(old, token)
    await until(() => world.received.some((one) => one.token === token))
    expect(placeOf(before.id)).toMatch(/^1:/)
    expect((await both('GET', `/v1/subscriptions/${before.id}`)).status).toBe(200)
    expect((await both('GET', `/v1/tasks/${token}`)).status).toBe(200)
    const again = await both('POST', '/v1/subscriptions', registration(token))
    expect([again.status, (await json<Subscription>(again)).id]).toEqual([200, before.id])
    const other = { ...registration(token), callback_url: 'https://app.example.com/other' }
    const beside = await json<Subscription>(both('POST', '/v1/subscriptions', other))
    expect(placeOf(beside.id)).toBe(placeOf(before.id))
    expect((await listAll<Subscription>(both, '/v1/subscriptions', 50)).map(({ id }) => id)).toContain(
      before.id,
    )
  })

  it('takes a token that has ended in the older one', async () => {
    const token = newToken()
    world.statusOf = () => ({ status: 'completed' })
    const before = await register(old, token)
    await until(
      async () =>
        (await json<Subscription>(old('GET', `/v1/subscriptions/${before.id}`))).state === 'completed',
    )
    expect((await json<{ status: string }>(both('GET', `/v1/tasks/${token}`))).status).toBe('completed')
    expect(placeOf((await register(both, token)).id)).toMatch(/^2:/)
  })

  it('loses nothing: what was under way in the older one is told to its end', async () => {
    let done = false
    world.statusOf = () => ({ status: done ? 'completed' : 'encoding' })
    const made = await Promise.all(Array.from({ length: 6 }, () => register(old)))
    await abortAllDurableObjects()
    await register(both)
    done = true
    await runCron('2:3,1:2')
    const ended = () =>
      new Set(world.received.filter(({ type }) => type === 'task.completed').map((one) => one.subscriptionId))
    await until(() => made.every(({ id }) => ended().has(id)))
  })
})

describe('an older shard that cannot be reached', () => {
  it('leaves the registrations of a batch alone that have nothing to do with it', async () => {
    const { holding } = RelayShard.prototype
    vi.spyOn(RelayShard.prototype, 'holding').mockImplementation(function (this: RelayShard, tokens) {
      const { name } = (this as unknown as { ctx: DurableObjectState }).ctx.id
      return name === '1:1' ? Promise.reject(new Error('out of reach')) : holding.call(this, tokens)
    })
    const items = Array.from({ length: 12 }, (_, i) => registration(tokenOf(oldest, i % 2)))
    const response = await both('POST', '/v1/subscriptions/batch', { subscriptions: items })
    expect(response.status).toBe(200)
    const { results } = await json<{ results: { status: number; problem?: object }[] }>(response)
    expect(results.map(({ status }) => status)).toEqual(items.map((_, i) => [201, 503][i % 2]))
    expect(results[1]?.problem).toMatchObject({ code: 'unavailable' })
    const alone = await both('POST', '/v1/subscriptions', items[1])
    expect([alone.status, alone.headers.get('retry-after')]).toEqual([503, '5'])
  })
})

describe('a generation whose number of shards was edited', () => {
  const said =
    'POLLHOOK_SHARDS says 1:2, but this data was made with 1:4: set that again, or add a generation'
  const ask = (place: string) => shardAt(place).fetch('https://pollhook.test/healthz')
  const write = (place: string, shards: number) =>
    runInDurableObject(shardAt(place), (_instance, { storage }) => storage.kv.put('shards', shards))

  /** It does not start for being written to, but where it reads the number that it should have. */
  async function mend(place: string): Promise<void> {
    const kv = await runInDurableObject(shardAt('2:0'), (_instance, { storage }) =>
      Object.getPrototypeOf(storage.kv),
    )
    const { get } = kv
    // Others may start meanwhile, and read what is theirs.
    vi.spyOn(kv, 'get').mockImplementation(function (this: SyncKvStorage, key) {
      const value = get.call(this, key)
      return key === 'shards' && value === 4 ? 2 : value
    })
    await write(place, 2)
    vi.restoreAllMocks()
  }

  it('does not start: its data would be looked for in other shards', async () => {
    // Outside the fleet, so that the other tests do not meet it.
    expect((await ask('1:7')).status).toBe(200)
    await write('1:7', 4)
    await abortAllDurableObjects()
    await expect(ask('1:7')).rejects.toThrow(`${said} before all others; for example POLLHOOK_SHARDS=2:3,1:4`)
    await mend('1:7')
  })

  it('does not start the shards either that came by it', async () => {
    await write('1:0', 4)
    await abortAllDurableObjects()
    await expect(ask('1:8')).rejects.toThrow(said)
    await mend('1:0')
  })
})
