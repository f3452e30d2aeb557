/** Status calls of one shard: six connections of an object may wait for headers (DESIGN §4), whoever is slow. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { newToken, openWorld, routerOver, until, type World } from './world.ts'

const masters = Array.from({ length: 8 }, (_, i) => `https://master-${i}.qencode.com/v1/status`)

let world: World
/** Calls to masters that have no answer yet. */
let waiting: number
let release: () => void

/** The masters take calls and say nothing. */
beforeEach(() => {
  world = openWorld()
  waiting = 0
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const answer = globalThis.fetch
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    if (!masters.includes(url)) return answer(url, init)
    waiting++
    await released
    waiting--
    return new Response(null, { status: 503 })
  })
})

afterEach(async () => {
  release()
  await until(() => waiting === 0)
})

it('masters that say nothing leave room for the API host, which is asked for the others of their tasks', async () => {
  // The only shard of its generation has all of POLLHOOK_POLL_CONCURRENCY.
  const router = routerOver('3:1')
  const tokens = masters.map(() => newToken())
  const subscriptions = tokens.map((token, i) => ({
    task_token: token,
    status_url: masters[i],
    callback_url: 'https://app.example.com/hooks',
  }))
  expect((await router('POST', '/v1/subscriptions/batch', { subscriptions })).status).toBe(200)
  const asked = () => tokens.filter((token) => world.calls.flat().includes(token))
  await until(() => asked().length + waiting === tokens.length)
  expect(waiting).toBe(3)
})
