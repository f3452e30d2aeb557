/** A supervisor signals the process that it started: with `npm start` that is npm, and the relay must hear of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { apiKey, openSilent, openWorld, startRelay } from '../support/relay-process.ts'

it('SIGTERM to npm start stops the relay in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-stop-'))
  const npm = spawn('npm', ['start', '--silent'], {
    cwd: join(import.meta.dirname, '../..'),
    env: {
      ...process.env,
      PORT: '0',
      POLLHOOK_DB: join(folder, 'relay.db'),
      POLLHOOK_API_KEYS: `acme=${apiKey}`,
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(npm, 'exit')
  const messages: string[] = []
  for await (const line of createInterface({ input: npm.stdout })) {
    const { message } = JSON.parse(line) as { message: string }
    messages.push(message)
    if (message === 'listening') npm.kill('SIGTERM')
  }
  await exited
  rmSync(folder, { recursive: true })
  expect(messages.slice(-2)).toEqual(['stopping', 'stopped'])
})

/** What a connection of its own is answered with, as a load balancer's is. */
async function answerOn(url: string): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${apiKey}` }
  const [response] = await once(get(url, { agent: false, headers }), 'response')
  return response.resume()
}

const statusOn = async (url: string) => (await answerOn(url)).statusCode

it('a relay that drains says so to new connections, and keeps what is registered meanwhile', async () => {
  const live = '6'.repeat(32)
  const world = await openWorld((asked) => ({ status: asked === live ? 'encoding' : 'completed', error: 0 }))
  const silent = await openSilent()
  const register = (token: string, callback_url: string) =>
    relay.call('POST', '/v1/subscriptions', { task_token: token, callback_url })
  let relay = await startRelay(world.env)
  await register(live, world.callbackUrl('/hook'))
  await register('7'.repeat(32), `${silent.url}/hook`)
  await expect.poll(() => silent.calls.length, { timeout: 10_000 }).toBe(1)

  const ended = relay.terminate()
  await expect.poll(() => statusOn(`${relay.url}/readyz`), { timeout: 5_000 }).toBe(503)
  expect(await statusOn(`${relay.url}/healthz`)).toBe(200)
  const late = '8'.repeat(32)
  expect((await register(late, world.callbackUrl('/hook'))).status).toBe(201)
  expect(world.calls.flat()).not.toContain(late)
  // By the standard an EventSource that is answered 503 never comes back.
  const stream = await answerOn(`${relay.url}/v1/tasks/${live}/events`)
  expect(stream.statusCode).toBe(200)
  const streamEnded = once(stream, 'end')
  silent.calls[0]!.end()
  expect(await ended).toBe(0)
  await streamEnded

  relay = await startRelay(world.env)
  await world.until(() => world.received.some(({ token }) => token === late))
  expect(await relay.terminate()).toBe(0)
})
