import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, expectTypeOf, test, vi } from 'vitest'
import {
  createPollhookClient,
  type PollhookClient,
  verify,
  WebhookVerificationError,
} from '../../src/client/client.ts'
import { type NodePollhook, startNode } from '../../src/node.ts'
import { newToken, subjectVars } from '../contract/subject.ts'
import { createLoopback } from '../support/loopback.ts'

interface Webhooked {
  body: string
  headers: Record<string, string>
}

const key = 'a-key-for-the-client-tests'
const loopback = createLoopback()
const folder = mkdtempSync(join(tmpdir(), 'pollhook-client-'))
const received: Webhooked[] = []
let relay: NodePollhook
let client: PollhookClient
let callbackUrl: string

beforeAll(async () => {
  const upstream = await loopback.http(async (request, response) => {
    const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString())
    const tokens = [...form.getAll('task_tokens[]'), ...form.getAll('task_tokens')]
    const statuses = tokens.map((token) => [token, { status: 'completed', percent: 100 }])
    response.end(JSON.stringify({ error: 0, statuses: Object.fromEntries(statuses) }))
  })
  const receiver = await loopback.http(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    received.push({ body, headers: request.headers as Record<string, string> })
    response.writeHead(204).end()
  })
  callbackUrl = `http://127.0.0.1:${receiver.port}/hook`
  relay = await startNode(
    {
      ...subjectVars,
      PORT: '0',
      POLLHOOK_DB: join(folder, 'relay.db'),
      POLLHOOK_API_KEYS: `acme=${key}`,
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
      POLLHOOK_UPSTREAM_URL: `http://127.0.0.1:${upstream.port}`,
      POLLHOOK_INSECURE_CALLBACKS: 'true',
      POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8',
    },
    () => {},
  )
  client = createPollhookClient({ baseUrl: relay.url, key })
})

afterAll(async () => {
  await relay.stop()
  await loopback.closeAll()
  rmSync(folder, { recursive: true, force: true })
})

async function register() {
  const body = { task_token: newToken(), callback_url: callbackUrl }
  const { data, response } = await client.POST('/v1/subscriptions', { body })
  expect(response.status).toBe(201)
  return data!
}

const webhooksOf = (id: string) => received.filter(({ body }) => JSON.parse(body).data.subscription_id === id)

function webhookOf(id: string): Promise<Webhooked> {
  return vi.waitFor(() => webhooksOf(id)[0] ?? expect.fail('no webhook yet'), {
    timeout: 10_000,
    interval: 5,
  })
}

async function ownSecret(): Promise<string> {
  const { data } = await client.GET('/v1/signing-secret')
  return data!.secrets[0]!.secret
}

describe('the client', () => {
  test('registers, and lists page by page with a cursor', async () => {
    const made = [await register(), await register(), await register()].map(({ id }) => id)
    const listed: string[] = []
    let cursor: string | null | undefined
    do {
      const query = { limit: 2, ...(cursor && { cursor }) }
      const { data } = await client.GET('/v1/subscriptions', { params: { query } })
      listed.push(...data!.data.map(({ id }) => id))
      cursor = data!.next_cursor
    } while (cursor !== null)
    expect(new Set(listed).size).toBe(listed.length)
    expect(listed).toEqual(expect.arrayContaining(made))
  })

  test('answers a problem as a typed error', async () => {
    const { data, error, response } = await client.POST('/v1/subscriptions', {
      body: { task_token: 'no token', callback_url: callbackUrl },
    })
    expect(data).toBeUndefined()
    expect(response.status).toBe(400)
    expect(error?.code).toBe('invalid_request')
    expect(error?.errors?.map(({ path }) => path)).toEqual(['task_token'])
    const missing = await client.GET('/v1/subscriptions/{id}', { params: { path: { id: 'sub_nothing' } } })
    expect(missing.error?.code).toBe('not_found')
  })

  test('answers what is no JSON as it was asked for', async () => {
    const metrics = await client.GET('/metrics', { parseAs: 'text' })
    expect(metrics.data).toMatch(/^pollhook_ready 1$/m)
  })

  test('says who it is not, with a wrong key', async () => {
    const stranger = createPollhookClient({ baseUrl: relay.url, key: 'a-key-that-nobody-gave-out' })
    const { error } = await stranger.GET('/v1/tasks')
    expect(error?.code).toBe('unauthorized')
  })

  test.each([undefined, '', ' '])(
    'is not made with the key %j, as of a variable that is not set',
    (unset) => {
      expect(() => createPollhookClient({ baseUrl: relay.url, key: unset as string })).toThrow(
        /needs an API key.*POLLHOOK_KEY/,
      )
    },
  )

  test('is not made with what no header can carry, as a file of two keys, and does not repeat it', async () => {
    const two = 'key-of-one-0123456789\nkey-of-two-0123456789'
    const call = async () => createPollhookClient({ baseUrl: relay.url, key: two }).GET('/v1/tasks')
    await expect(call()).rejects.toThrow(/^((?!key-of).)*line feed((?!key-of).)*$/)
    const { error } = await createPollhookClient({ baseUrl: relay.url, key: `${key}\n` }).GET('/v1/tasks')
    expect(error).toBeUndefined()
  })

  test('has a delivery sent again, with the same id and bytes', async () => {
    const { id } = await register()
    const first = await webhookOf(id)
    const query = { subscription_id: id, state: 'delivered' as const }
    const delivery = await vi.waitFor(async () => {
      const { data } = await client.GET('/v1/deliveries', { params: { query } })
      return data?.data[0] ?? expect.fail('not delivered yet')
    })
    const again = await client.POST('/v1/deliveries/{id}/redeliver', {
      params: { path: { id: delivery.id } },
    })
    expect(again.response.status).toBe(202)
    await vi.waitFor(() => expect(webhooksOf(id)).toHaveLength(2), { timeout: 10_000 })
    expect(webhooksOf(id).map(({ body }) => body)).toEqual([first.body, first.body])
    expect(webhooksOf(id)[1]?.headers['webhook-id']).toBe(first.headers['webhook-id'])
  })

  test('makes a new signing secret without a word of how long the old one stays', async () => {
    const { data: before } = await client.GET('/v1/signing-secret')
    const { data } = await client.POST('/v1/signing-secret/rotate')
    expect(data?.secrets.length).toBe(before!.secrets.length + 1)
    expect(data?.secrets[1]).toMatchObject({
      secret: before!.secrets[0]!.secret,
      expires_at: expect.any(String),
    })
  })

  test('cancels, and asks through a fetch that it is given', async () => {
    const { id } = await register()
    const asked: string[] = []
    const through = createPollhookClient({
      baseUrl: relay.url,
      key,
      fetch: (request) => {
        asked.push(`${request.method} ${new URL(request.url).pathname}`)
        return fetch(request)
      },
    })
    const { response } = await through.DELETE('/v1/subscriptions/{id}', { params: { path: { id } } })
    expect(response.status).toBe(204)
    expect(asked).toEqual([`DELETE /v1/subscriptions/${id}`])
  })
})

describe('an answer that is not of a relay', () => {
  const body = { task_token: newToken(), callback_url: 'https://app.example.com/hook' }

  /** Registers through what answers in place of a relay. */
  async function registerThrough(answer: (path: string, response: ServerResponse) => void) {
    const { port } = await loopback.http((request, response) => answer(request.url ?? '', response))
    return createPollhookClient({ baseUrl: `http://127.0.0.1:${port}`, key }).POST('/v1/subscriptions', {
      body,
    })
  }

  test.each([
    ['without a body', undefined, '0'],
    ['without a body or a length', undefined, undefined],
    ['with a page', '<h1>Bad Gateway</h1>', undefined],
    ['with JSON of its own', '{"message":"Bad Gateway"}', undefined],
  ])('502 of a proxy, %s, is neither data nor a problem: it rejects', async (_name, page, length) => {
    const answer = registerThrough((_path, response) => {
      if (page?.startsWith('{')) response.setHeader('content-type', 'application/json')
      response.writeHead(502, length === undefined ? {} : { 'content-length': length }).end(page)
    })
    await expect(answer).rejects.toThrow(/answered POST \/v1\/subscriptions with 502, not as Pollhook/)
  })

  test.each([
    ['nothing', {}, undefined],
    ['a page', { 'content-type': 'text/html' }, '<h1>Welcome</h1>'],
  ])('200 of another host, with %s, is no registration', async (_name, headers, page) => {
    const answer = registerThrough((_path, response) => {
      response.writeHead(200, { ...headers }).end(page)
    })
    await expect(answer).rejects.toThrow(/with 200, not as Pollhook/)
  })

  test('a redirect is not followed: its GET would bring a list in place of a subscription', async () => {
    const answer = registerThrough((path, response) => {
      if (path === '/v1/subscriptions') response.writeHead(301, { location: '/elsewhere' }).end()
      else response.writeHead(200).end('{"data":[],"next_cursor":null}')
    })
    await expect(answer).rejects.toThrow('with 301, a redirect to /elsewhere')
  })
})

describe('verify', () => {
  test('answers the event of a genuine webhook, narrowed by its type', async () => {
    const { id } = await register()
    const { body, headers } = await webhookOf(id)
    const event = verify(body, headers, await ownSecret())
    expect(event).toEqual(JSON.parse(body))
    expect(event.type).toBe('task.completed')
    if (event.type === 'task.completed') expectTypeOf(event.data.error).toEqualTypeOf<null>()
    if (event.type === 'task.failed') expectTypeOf(event.data.error.code).toEqualTypeOf<number>()
    expect(verify(body, new Headers(headers), [`whsec_${btoa('x'.repeat(32))}`, await ownSecret()])).toEqual(
      event,
    )
  })

  test('takes headers as node:http has them, and as lists', async () => {
    const { id } = await register()
    const { body, headers } = await webhookOf(id)
    const ofNode: IncomingHttpHeaders = { ...headers, 'set-cookie': ['a=1', 'b=2'], host: undefined }
    expect(verify(body, ofNode, await ownSecret())).toEqual(JSON.parse(body))
    const lists = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
    lists['webhook-signature']?.unshift(`v1,${btoa('of another secret')}`)
    expect(verify(body, lists, await ownSecret())).toEqual(JSON.parse(body))
    expect(() => verify(body, { ...ofNode, 'webhook-id': undefined }, 'whsec_eHg=')).toThrow(
      'Missing required',
    )
  })

  test('refuses a changed body, another secret and no signature', async () => {
    const { id } = await register()
    const { body, headers } = await webhookOf(id)
    const secret = await ownSecret()
    expect(() => verify(body.replace('completed', 'failed'), headers, secret)).toThrow(
      'No matching signature',
    )
    expect(() => verify(body, headers, `whsec_${btoa('y'.repeat(32))}`)).toThrow('No matching signature')
    expect(() => verify(body, {}, secret)).toThrow('Missing required headers')
    expect(() => verify(body, headers, [])).toThrow('needs a secret')
    // One that is malformed hides nothing.
    const all = [`whsec_${btoa('y'.repeat(32))}`, 'whsec_!']
    expect(() => verify(body, headers, all)).toThrow(WebhookVerificationError)
  })

  test('refuses a webhook of ten minutes ago, though its signature is right', async () => {
    const secret = await ownSecret()
    const sentAt = new Date(Date.now() - 600_000)
    const body = JSON.stringify({ type: 'pollhook.test' })
    const headers = {
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign('msg_1', sentAt, body),
    }
    expect(() => verify(body, headers, secret)).toThrow('too old')
  })
})
