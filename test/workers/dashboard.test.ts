/** The dashboard inside workerd, over several shards: its pages go through the router, as any client does. */
import { env } from 'cloudflare:workers'
import { beforeEach, expect, it } from 'vitest'
import worker from '../../src/worker.ts'
import { apiKey } from './bindings.ts'
import { both, newest, type Page, placeOf, tokenOf } from './several-shards.ts'
import { json, newToken, openWorld, type Subscription, until, type World } from './world.ts'

const origin = 'https://pollhook.test'
const shards: string = '2:3,1:2'
let world: World
let cookie: string

beforeEach(() => {
  world = openWorld()
  cookie = ''
})

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { origin, cookie, ...init.headers }
  const over = { ...env, POLLHOOK_SHARDS: shards } as Env
  return worker.fetch(new Request(`${origin}${path}`, { redirect: 'manual', ...init, headers }), over)
}

const post = (path: string, fields: Record<string, string>) =>
  ask(path, { method: 'POST', body: new URLSearchParams(fields) })
const text = async (path: string) => (await ask(path)).text()

async function logIn(): Promise<Response> {
  const entered = await post('/dashboard/login', { key: apiKey })
  cookie = entered.headers.get('set-cookie')?.split(';')[0] ?? ''
  return entered
}

async function register(task_token: string, callback_url: string): Promise<void> {
  const registered = await post('/dashboard/register', { task_token, callback_url })
  expect(registered.headers.get('location')).toBe(`/dashboard/tasks/${task_token}?done=registered`)
}

it('logs in, registers tasks on several shards and lists them together', async () => {
  const entered = await logIn()
  expect(entered.status).toBe(303)
  expect(entered.headers.get('set-cookie')).toContain('; Secure')

  world.statusOf = () => ({ status: 'encoding', percent: 42 })
  const tokens = Array.from({ length: 6 }, (_, i) => tokenOf(newest, i % 3))
  for (const token of tokens) await register(token, 'https://app.example.com/dashboard')
  const list = await text('/dashboard/tasks')
  for (const token of tokens) expect(list).toContain(`id="task-${token}"`)
  // Each by its own shard, not all by the one that is asked where nobody has logged in.
  const { data } = await json<Page<Subscription>>(both('GET', '/v1/subscriptions'))
  const placed = data.map(({ id, task_token: token }) => [token, placeOf(id)])
  expect(placed).toEqual(expect.arrayContaining(tokens.map((token, i) => [token, `2:${i % 3}`])))

  const path = `/dashboard/tasks/${tokens[0]}`
  await until(async () => (await text(path)).includes('42.0 %'))
  const stream = await ask(`${path}/events?after=0`)
  expect(stream.headers.get('content-type')).toBe('text/event-stream')
  await stream.body?.cancel()
})

it('pauses and resumes an endpoint in every shard', async () => {
  await logIn()
  const endpoint = `https://${newToken()}.example.com`
  await register(newToken(), `${endpoint}/dashboard`)
  const page = await text('/dashboard/endpoints')
  const id = new RegExp(`id="(ep_[0-9a-f]+)-name">${endpoint}<`).exec(page)?.[1]
  expect((await post(`/dashboard/endpoints/${id}/pause`, {})).status).toBe(303)
  expect(await text('/dashboard/endpoints')).toContain('<span class="pill wait">paused</span>')
  expect((await post(`/dashboard/endpoints/${id}/resume`, {})).status).toBe(303)
})

it('serves the browser’s library', async () => {
  const response = await ask('/dashboard/assets/idiomorph.js')
  expect(response.headers.get('content-type')).toContain('text/javascript')
  expect(await response.text()).toContain('Idiomorph')
})
