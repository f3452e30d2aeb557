/** What only a real server shows: chunked bodies, and clients that hang up on a stream. */
import { request as httpRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { serve } from '@hono/node-server'
import { afterEach, describe, expect, test } from 'vitest'
import { bodyBytesMax } from '../../src/http/body.ts'
import { key, type Overrides, testApp, token, transition } from './support.ts'

let close = async () => {}
afterEach(() => close())

async function listen(overrides: Overrides = {}): Promise<string> {
  const { app } = testApp(overrides)
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 })
  await new Promise<void>((resolve) =>
    server.listening ? resolve() : server.once('listening', () => resolve()),
  )
  close = () => new Promise((resolve) => server.close(() => resolve()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const headers = { authorization: `Bearer ${key}` }

test('a chunked body over the limit is 413', async () => {
  const origin = await listen()
  const status = await new Promise((resolve, reject) => {
    const post = httpRequest(`${origin}/v1/subscriptions`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      agent: false,
    })
    post.on('response', (response) => resolve(response.resume().statusCode))
    post.on('error', reject)
    post.end('x'.repeat(bodyBytesMax + 1))
  })
  expect(status).toBe(413)
})

describe('a caller who hangs up before the end of the body', () => {
  const json = ['/v1/subscriptions', 'application/json'] as const
  test.each([
    ['/callbacks/qencode', 'application/x-www-form-urlencoded', 'content-length: 500\r\n\r\nab', 204],
    [...json, 'content-length: 500\r\n\r\nab', 400],
    [...json, 'transfer-encoding: chunked\r\n\r\n2\r\nab\r\n', 400],
    ['/v1/subscriptions/sub_1/test', 'application/json', 'content-length: 500\r\n\r\nab', 400],
  ])('is no failure of Pollhook: POST %s, %s', async (path, type, rest, status) => {
    const lines: { level: string; message: string; fields: Record<string, unknown> | undefined }[] = []
    const answered = Promise.withResolvers<void>()
    const logAt = (level: string) => (message: string, fields?: Record<string, unknown>) => {
      lines.push({ level, message, fields })
      if (message === 'request') answered.resolve()
    }
    const log = { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') }
    const { port } = new URL(await listen({ deps: { log } }))
    const socket = connect(Number(port), '127.0.0.1')
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: ${type}`
    socket.write(`${head}\r\n${rest}`, () => socket.destroy())
    await answered.promise
    expect(lines).toMatchObject([{ level: 'info', message: 'request', fields: { status } }])
  })
})

test('a stream arrives as it is written, and a client that hangs up is forgotten', async () => {
  const left = Promise.withResolvers<void>()
  let wake = () => {}
  const events = [transition(1)]
  const origin = await listen({
    queries: {
      streamState: () => ({ lastSeq: events.length, watching: true }),
      transitionsAfter: (_token, seq) => events.filter((event) => event.seq > seq),
    },
    deps: {
      transitions: {
        subscribe: (_token, listener) => {
          wake = listener
          return left.resolve
        },
      },
    },
  })
  const abort = new AbortController()
  const response = await fetch(`${origin}/v1/tasks/${token}/events`, { headers, signal: abort.signal })
  const stream = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('id: 1\n')) text += (await stream.read()).value ?? ''
  events.push(transition(2))
  wake()
  while (!text.includes('id: 2\n')) text += (await stream.read()).value ?? ''
  expect(response.headers.get('x-request-id')).toBe('req_1')
  abort.abort()
  await left.promise
})
