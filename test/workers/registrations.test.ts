/** Registrations find the shard of their token, one by one and in batches, as if there were one shard. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { Place } from '../../src/core/ids.ts'
import type { Fleet } from '../../src/worker/fleet.ts'
import { placesFor } from '../../src/worker/registrations.ts'
import { apiKey } from './bindings.ts'
import { both, placeOf, send } from './several-shards.ts'
import { json, newToken, openWorld, register, registration, type Subscription } from './world.ts'

beforeEach(() => {
  openWorld()
})

describe('registrations', () => {
  it('are spread over the shards of the newest generation, and found by id', async () => {
    // Of tokens made up by chance all might fall to two shards.
    const tokens = Array.from({ length: 20 }, (_, i) => i.toString(16).padStart(32, '0'))
    const made = await Promise.all(tokens.map((token) => register(both, token)))
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

  it('are asked for at older shards, the oldest first, until one holds their token or cannot be reached', async () => {
    const [held, other, lost] = [newToken(), newToken(), newToken()]
    let asked: string[] = []
    const fleet = {
      config: { shards: [3, 2, 1].map((generation) => ({ generation, shards: 1 })) },
      log: { error() {} },
      shard: ({ generation }: Place) => ({
        async holding(tokens: string[]) {
          asked.push(`${generation}: ${tokens}`)
          if (tokens.includes(lost)) throw new Error('out of reach')
          return generation === 1 ? tokens.filter((token) => token === held) : []
        },
      }),
    } as unknown as Fleet
    const places = await placesFor(fleet, [held, other, held])
    expect([...places].map(([token, { generation }]) => [token, generation])).toEqual([
      [held, 1],
      [other, 3],
    ])
    expect(asked).toEqual([`1: ${held},${other}`, `2: ${other}`])
    asked = []
    expect((await placesFor(fleet, [lost])).size).toBe(0)
    expect(asked).toEqual([`1: ${lost}`])
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
