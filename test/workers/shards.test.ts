/** Several shards behind one router: every answer is that of one Pollhook, and a change of N loses nothing. */
import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { decodeId } from '../../src/core/ids.ts'
import { placesOfToken } from '../../src/shards/places.ts'
import type { Fleet } from '../../src/worker/fleet.ts'
import { route } from '../../src/worker/router.ts'
import { RelayShard } from '../../src/worker.ts'
import { apiKey, otherApiKey } from './bindings.ts'
import {
  type Call,
  json,
  newToken,
  openWorld,
  routerOver,
  runCron,
  senderTo,
  until,
  type World,
} from './world.ts'

let world: World

beforeEach(() => {
  world = openWorld()
})
afterEach(() => {
  vi.restoreAllMocks()
})

const old = routerOver('1:2')
const both = routerOver('2:3,1:2')
const send = senderTo('2:3,1:2')

interface Subscription {
  id: string
  task_token: string
  state: string
}
interface Page<T> {
  data: T[]
  next_cursor: string | null
}

const callbackUrl = 'https://app.example.com/hooks'
const registration = (token = newToken()) => ({ task_token: token, callback_url: callbackUrl })

async function register(router: Call, token = newToken()): Promise<Subscription> {
  const response = await router('POST', '/v1/subscriptions', registration(token))
  expect(response.status).toBe(201)
  return json(response)
}

function placeOf(id: string): string {
  const place = decodeId('sub', id)
  return `${place?.generation}:${place?.shard}`
}

async function listAll<T>(router: Call, path: string, limit: number): Promise<T[]> {
  const all: T[] = []
  for (let cursor = ''; ; ) {
    const page = await json<Page<T>>(router('GET', `${path}?limit=${limit}${cursor}`))
    expect(page.data.length).toBeLessThanOrEqual(limit)
    all.push(...page.data)
    if (page.next_cursor === null) return all
    cursor = `&cursor=${page.next_cursor}`
  }
}

function shardAt(place: string) {
  return env.SHARDS.get(env.SHARDS.idFromName(place))
}

describe('a list', () => {
  it('overlooks a filter of another list, as one shard does', async () => {
    const made = await Promise.all(Array.from({ length: 6 }, () => register(both)))
    const all = await json<Page<Subscription>>(
      both('GET', `/v1/subscriptions?subscription_id=${made[0]!.id}`),
    )
    expect(all.data.map(({ id }) => id)).toEqual(expect.arrayContaining(made.map(({ id }) => id)))
    const tasks = await json<Page<Subscription>>(both('GET', `/v1/tasks?task_token=${made[0]!.task_token}`))
    expect(tasks.data.map((one) => one.task_token)).toEqual(
      expect.arrayContaining(made.map((one) => one.task_token)),
    )
  })
})

it.each(['', 'a b', 'x'.repeat(65)])(
  'an x-request-id that no log may have gets another, also where no shard answers: "%s"',
  async (id) => {
    const logged: string[] = []
    const fleet = {
      places: [1, 2],
      ask: () => Promise.reject(new Error('gone')),
      mayHaveOwner: () => true,
      log: { error: (_message: string, fields: { request_id: string }) => logged.push(fields.request_id) },
    } as unknown as Fleet
    const answer = await route(
      fleet,
      new Request('https://pollhook.test/v1/endpoints', { headers: { 'x-request-id': id } }),
    )
    expect(answer.status).toBe(503)
    expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(logged).toEqual([answer.headers.get('x-request-id')])
  },
)

describe('registrations', () => {
  it('are spread over the shards of the newest generation, and found by id', async () => {
    const made = await Promise.all(Array.from({ length: 20 }, () => register(both)))
    expect([...new Set(made.map(({ id }) => placeOf(id)))].sort()).toEqual(['2:0', '2:1', '2:2'])
    for (const { id } of made) expect((await both('GET', `/v1/subscriptions/${id}`)).status).toBe(200)
  })

  it('reach the shard of their token however the path is spelled', async () => {
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    for (let i = 0; i < 9; i++) {
      const made = await register(both)
      const body = JSON.stringify(registration(made.task_token))
      const again = await send('/v1/%73ubscriptions', { method: 'POST', headers, body })
      expect([again.status, (await json<Subscription>(again)).id]).toEqual([200, made.id])
      const spelled = `/v1/%74asks/%${made.task_token.charCodeAt(0).toString(16)}${made.task_token.slice(1)}`
      expect((await send(spelled, { headers })).status).toBe(200)
    }
  })

  it('in one batch come back in order, each standing alone', async () => {
    const good = Array.from({ length: 9 }, () => registration())
    const subscriptions = [...good.slice(0, 4), { task_token: 'no token' }, ...good.slice(4), good[0]]
    const response = await both('POST', '/v1/subscriptions/batch', { subscriptions })
    const { results } = await json<{ results: { status: number; subscription?: Subscription }[] }>(response)
    expect(results.map(({ status }) => status)).toEqual([
      ...Array(4).fill(201),
      400,
      ...Array(5).fill(201),
      200,
    ])
    expect(results.map(({ subscription }) => subscription?.task_token)).toEqual([
      ...good.slice(0, 4).map(({ task_token: token }) => token),
      undefined,
      ...good.slice(4).map(({ task_token: token }) => token),
      good[0]!.task_token,
    ])
  })

  it('with a reserved name are refused alone, also beside others of their shard', async () => {
    const good = Array.from({ length: 12 }, () => registration())
    const bad = { ...registration(), metadata: { constructor: 'x' } }
    const response = await both('POST', '/v1/subscriptions/batch', { subscriptions: [...good, bad] })
    const { results } = await json<{ results: { status: number; problem?: object }[] }>(response)
    expect(results.map(({ status }) => status)).toEqual([...Array(12).fill(201), 400])
    expect(results.at(-1)?.problem).toMatchObject({ errors: [{ path: 'metadata.constructor' }] })
  })

  it('are judged as they were written: one nested 30,000 levels deep, a number that is none, one too many bytes', async () => {
    const deep = `{"\\u0061":${'['.repeat(30_000)}${']'.repeat(30_000)}}`
    const infinite = JSON.stringify({ ...registration(), status_url: 0 }).replace(
      '"status_url":0',
      '"status_url":1e999',
    )
    const good = Array.from({ length: 9 }, () => JSON.stringify(registration()))
    const body = `{"subscriptions": [${[...good, deep, infinite].join(' ,\n')}]}`
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
    const post = (text: string) => send('/v1/subscriptions/batch', { method: 'POST', headers, body: text })
    const { results } = await json<{ results: { status: number }[] }>(post(body))
    expect(results.map(({ status }) => status)).toEqual([...Array(9).fill(201), 400, 400])
    expect((await post(body.padEnd(1024 * 1024))).status).toBe(200)
    expect((await post(body.padEnd(1024 * 1024 + 1))).status).toBe(413)
  })

  it('without a known key are refused as anywhere', async () => {
    const response = await both(
      'POST',
      '/v1/subscriptions/batch',
      { subscriptions: [registration()] },
      'nobody',
    )
    expect(response.status).toBe(401)
  })

  describe('in one batch that no shard would take are refused once', () => {
    const body = JSON.stringify({ subscriptions: Array.from({ length: 9 }, () => registration()) })
    const post = async (bytes: BodyInit, contentType: string, more: Record<string, string> = {}) => {
      const headers = { authorization: `Bearer ${apiKey}`, 'content-type': contentType, ...more }
      const response = await send('/v1/subscriptions/batch', { method: 'POST', headers, body: bytes })
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      return [response.status, (await json<{ code: string }>(response)).code]
    }

    it('for their media type', async () => {
      expect(await post(body, 'text/plain')).toEqual([415, 'unsupported_media_type'])
    })

    it('for their content-encoding', async () => {
      const encoded = { 'content-encoding': 'gzip' }
      expect(await post(body, 'application/json', encoded)).toEqual([415, 'unsupported_media_type'])
    })

    it('for bytes that are no UTF-8', async () => {
      const bytes = new TextEncoder().encode(body.replace('hooks', 'hook~'))
      bytes[bytes.indexOf('~'.charCodeAt(0))] = 0xff
      expect(await post(bytes, 'application/json')).toEqual([400, 'invalid_json'])
    })
  })

  it.for(['/callbacks/qencode', '/v1/subscriptions', '/v1/subscriptions/batch'])(
    'that break off are no failure: POST %s',
    async (path) => {
      const log = vi.spyOn(console, 'log')
      const body = new ReadableStream({ pull: (controller) => controller.error(new Error('gone')) })
      const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
      const response = await send(path, { method: 'POST', headers, body })
      expect([response.status, (await json<{ code: string }>(response)).code]).toEqual([
        400,
        'invalid_request',
      ])
      expect(response.headers.get('x-request-id')).toMatch(/./)
      expect(log.mock.calls).toEqual([])
      log.mockRestore()
    },
  )

  it.for([
    ['no JSON object', []],
    ['no batch', { subscriptions: {} }],
    ['an unknown field', { subscriptions: [registration()], more: 1 }],
  ] as const)('that are %s are refused by a shard', async ([_name, body]) => {
    expect((await both('POST', '/v1/subscriptions/batch', body)).status).toBe(400)
  })
})

describe('lists', () => {
  it('have every row of every shard once, newest first', async () => {
    const made: string[] = []
    for (let i = 0; i < 12; i++) made.push((await register(both)).id)
    const listed = await listAll<Subscription & { created_at: string }>(both, '/v1/subscriptions', 5)
    expect(listed.map(({ id }) => id)).toEqual(expect.arrayContaining(made))
    expect(new Set(listed.map(({ id }) => id)).size).toBe(listed.length)
    const times = listed.map(({ created_at: at }) => at)
    expect(times).toEqual([...times].sort().reverse())
    expect(Object.keys(await json(both('GET', '/v1/tasks')))).toEqual(['data', 'next_cursor'])
  })

  it.each(['/v1/subscriptions', '/v1/tasks'])(
    'show nothing on a later page of %s that was made after the first',
    async (path) => {
      const tokenOf = (shard: number): string => {
        const token = newToken()
        return placesOfToken([{ generation: 2, shards: 3 }], token)[0]?.shard === shard
          ? token
          : tokenOf(shard)
      }
      const page = async (cursor = '') =>
        json<Page<{ task_token: string }>>(both('GET', `${path}?limit=1${cursor}`))
      const [older, newer, newest] = [tokenOf(0), tokenOf(1), tokenOf(0)]
      for (const token of [older, newer]) {
        await register(both, token)
        const at = Date.now()
        await until(() => Date.now() > at)
      }
      const first = await page()
      await register(both, newest)
      const second = await page(`&cursor=${first.next_cursor}`)
      expect([first, second].map(({ data }) => data[0]?.task_token)).toEqual([newer, older])
    },
  )

  it('refuse a cursor that is none of theirs', async () => {
    expect((await both('GET', '/v1/subscriptions?cursor=c1')).status).toBe(400)
    expect((await both('GET', '/v1/endpoints?cursor=c1')).status).toBe(400)
    for (let i = 0; i < 3; i++) await register(both)
    const { next_cursor: cursor } = await json<Page<unknown>>(both('GET', '/v1/subscriptions?limit=1'))
    expect((await both('GET', `/v1/tasks?cursor=${cursor}`)).status).toBe(400)
    expect((await both('GET', '/v1/subscriptions?limit=0')).status).toBe(400)
  })

  it.for(['/v1/subscriptions', '/v1/tasks', '/v1/deliveries', '/v1/endpoints'])(
    '%s refuse a limit and a cursor that are given twice',
    async (path) => {
      for (const name of ['limit', 'cursor']) {
        const response = await both('GET', `${path}?${name}=1&${name}=2`)
        expect(response.status).toBe(400)
        expect(await json(response)).toMatchObject({
          errors: [{ path: name, message: 'must be given once' }],
        })
      }
      expect((await both('GET', `${path}?other=1&other=2`)).status).toBe(200)
    },
  )

  it('show an owner nothing of another', async () => {
    await register(both)
    const page = await json<Page<unknown>>(both('GET', '/v1/subscriptions', undefined, otherApiKey))
    expect(page.data).toEqual([])
  })
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
    const items = Array.from({ length: 12 }, () => registration())
    const response = await both('POST', '/v1/subscriptions/batch', { subscriptions: items })
    expect(response.status).toBe(200)
    const { results } = await json<{ results: { status: number; problem?: object }[] }>(response)
    const isIts = ({ task_token: token }: { task_token: string }) =>
      placesOfToken([{ generation: 1, shards: 2 }], token)[0]!.shard === 1
    expect(results.map(({ status }) => status)).toEqual(items.map((item) => (isIts(item) ? 503 : 201)))
    expect(results.find(({ status }) => status === 503)?.problem).toMatchObject({ code: 'unavailable' })
    const alone = await both('POST', '/v1/subscriptions', items.find(isIts))
    expect([alone.status, alone.headers.get('retry-after')]).toEqual([503, '5'])
  })
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

it('metrics are those of all shards, each with its label', async () => {
  const text = await (await both('GET', '/metrics')).text()
  expect(text.match(/^# TYPE pollhook_tasks_active /gm)).toHaveLength(1)
  expect(text.match(/^pollhook_tasks_active\{shard="[12]:\d"\}/gm)).toHaveLength(5)
})

it('a hint is answered 204 also where no shard answers', async () => {
  for (const places of [[1], [1, 2]]) {
    const fleet = {
      config: { shards: [{ generation: 1, shards: places.length }] },
      places,
      ask: async () => new Response('gone', { status: 503 }),
      log: { error() {} },
    } as unknown as Fleet
    const body = new URLSearchParams({ task_token: newToken() })
    const request = new Request('https://pollhook.test/callbacks/qencode', { method: 'POST', body })
    expect((await route(fleet, request)).status).toBe(204)
  }
})

it('metrics of the other shards are told where one does not answer', async () => {
  const texts = ['1:0', '1:2'].map(
    (place) => `# HELP pollhook_ready x\n# TYPE pollhook_ready gauge\npollhook_ready{shard="${place}"} 1\n`,
  )
  const answering = (answers: readonly Response[]) => {
    const waiting = [...answers]
    const places = answers.map((_, shard) => ({ generation: 1, shard }))
    const fleet = { places, ask: async () => waiting.shift(), mayHaveOwner: () => true } as unknown as Fleet
    return route(fleet, new Request('https://pollhook.test/metrics'))
  }
  const gone = () => new Response('gone', { status: 503 })
  const some = await answering([new Response(texts[0]), gone(), new Response(texts[1])])
  expect(some.status).toBe(200)
  expect((await some.text()).match(/^pollhook_ready.*$/gm)).toEqual([
    'pollhook_ready{shard="1:0"} 1',
    'pollhook_ready{shard="1:1"} 0',
    'pollhook_ready{shard="1:2"} 1',
  ])
  expect((await answering([gone(), gone()])).status).toBe(503)
  expect((await answering([new Response(texts[0]), new Response('', { status: 401 })])).status).toBe(401)
})

it('a hint of upstream reaches the shard of its token, and always answers 204', async () => {
  const { task_token: token } = await register(old)
  for (const body of [`task_token=${token}`, 'nonsense']) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const request = new Request('https://pollhook.test/callbacks/qencode', { method: 'POST', headers, body })
    const { default: worker } = await import('../../src/worker.ts')
    expect((await worker.fetch(request, env)).status).toBe(204)
  }
})

it('an event stream comes through the router', async () => {
  const token = newToken()
  world.statusOf = () => ({ status: 'completed' })
  await register(both, token)
  await until(() => world.received.some((one) => one.token === token))
  const stream = await both('GET', `/v1/tasks/${token}/events?after=0`)
  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  expect(await stream.text()).toContain('"type":"task.completed"')
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
