/** What the router makes of several answers: metrics, hints, event streams, and where no shard answers. */
import { beforeEach, expect, it } from 'vitest'
import type { Place } from '../../src/core/ids.ts'
import type { Fleet } from '../../src/worker/fleet.ts'
import { route } from '../../src/worker/router.ts'
import { both, newest, oldest, tokenOf } from './several-shards.ts'
import { newToken, openWorld, register, registration, until, type World } from './world.ts'

let world: World

beforeEach(() => {
  world = openWorld()
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

it('a hint of upstream reaches every shard that may have its token, and always answers 204', async () => {
  const asked: string[] = []
  const fleet = {
    config: { shards: [newest, oldest] },
    places: [1, 2],
    first: { generation: 2, shard: 0 },
    async ask({ generation, shard }: Place, request: Request) {
      asked.push(`${generation}:${shard} ${await request.text()}`)
      return new Response(null, { status: 204 })
    },
  } as unknown as Fleet
  const hint = `task_token=${tokenOf(newest, 1)}`
  for (const body of [hint, 'nonsense']) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const request = new Request('https://pollhook.test/callbacks/qencode', { method: 'POST', headers, body })
    expect((await route(fleet, request)).status).toBe(204)
  }
  expect(asked).toEqual([`2:1 ${hint}`, expect.stringMatching(`^1:[01] ${hint}$`), '2:0 nonsense'])
})

it('registrations of one batch, none of whose shards can be reached, have a failure each', async () => {
  const fleet = {
    config: { shards: [newest] },
    places: [1, 2],
    ask: async () => Response.json({ code: 'unavailable' }, { status: 503 }),
    mayHaveOwner: () => true,
  } as unknown as Fleet
  const body = JSON.stringify({ subscriptions: [0, 1, 2].map((n) => registration(tokenOf(newest, n))) })
  const request = new Request('https://pollhook.test/v1/subscriptions/batch', { method: 'POST', body })
  const answer = await route(fleet, request)
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
  const failure = { status: 503, problem: { code: 'unavailable' } }
  expect(await answer.json()).toEqual({ results: [failure, failure, failure] })
})

it('HEAD is answered as GET, without a body', async () => {
  const answer = await both('HEAD', '/v1/tasks')
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json'])
  expect(await answer.text()).toBe('')
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
