/** What `pollhook watch` registers, changes, takes back and lets go, against an API that is a function. */
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Api } from '../../src/cli/api.ts'
import { watchCommand } from '../../src/cli/watch.ts'
import { subscribeTo } from '../../src/cli/watch-subscriptions.ts'
import { keepSignalListeners } from './signal-listeners.ts'

keepSignalListeners()

const [one, other] = ['a'.repeat(32), 'b'.repeat(32)] as const
const statusUrl = 'https://master-1.qencode.com/v1/status'
const none = { data: [], next_cursor: null }
const refusal = (code: string) => Object.assign(new Error(code), { code })

/** An API that notes what is written, and answers it, and reads, by `answer`. */
function apiOf(answer: (method: string, path: string) => unknown) {
  const written: unknown[] = []
  const api: Api = {
    url: 'http://127.0.0.1:8080',
    async call(method, path, body) {
      if (method !== 'GET') written.push([method, path.replace('/v1/subscriptions', ''), body ?? null])
      const given = answer(method, path)
      if (given instanceof Error) throw given
      return given
    },
    open: () => Promise.reject(new Error('nothing to open')),
  }
  return { api, written }
}

test('a paused subscription keeps its task polled too: none is made beside it', async () => {
  const { api, written } = apiOf((_method, path) =>
    path.includes('state=paused') ? { ...none, data: [{ id: 'sub_1' }] } : none,
  )
  await (await subscribeTo(api, { taskTokens: [one], callbackUrl: null }))()
  expect(written).toEqual([])
})

test('one that ended meanwhile has no use for a status URL; what else is refused is told', async () => {
  const watched = { taskTokens: [one], callbackUrl: null, statusUrl }
  const refusing = (code: string) =>
    apiOf((method) => (method === 'GET' ? { ...none, data: [{ id: 'sub_1' }] } : refusal(code))).api
  await subscribeTo(refusing('conflict'), watched)
  await expect(subscribeTo(refusing('status_url_not_allowed'), watched)).rejects.toThrow('status_url')
})

test('a URL of the app is registered for good, with the master to ask', async () => {
  const { api, written } = apiOf((method) => (method === 'GET' ? none : { id: 'sub_1' }))
  const callbackUrl = 'https://app.example.com/hooks'
  await (await subscribeTo(api, { taskTokens: [one], callbackUrl, statusUrl }))()
  expect(written).toEqual([
    ['POST', '', { task_token: one, callback_url: callbackUrl, status_url: statusUrl }],
  ])
})

test('where one of several is refused, those that were made go, also if the relay is gone by then', async () => {
  let made = 0
  const { api, written } = apiOf((method) => {
    if (method === 'GET') return none
    if (method === 'DELETE') return new Error('no Pollhook answers')
    return ++made === 1 ? { id: 'sub_1' } : refusal('quota_exceeded')
  })
  const watched = { taskTokens: [one, other], callbackUrl: null, statusUrl }
  await expect(subscribeTo(api, watched)).rejects.toThrow('quota_exceeded')
  expect(written).toMatchObject([
    ['POST', '', { task_token: one, status_url: statusUrl }],
    ['POST', '', { task_token: other }],
    ['DELETE', '/sub_1', null],
  ])
})

test('when one task cannot be followed, the others are let go too: none holds the process', async () => {
  const left = Promise.withResolvers<void>()
  const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async (url, init) => {
    if (!String(url).endsWith('/events')) return Response.json({ ...none, data: [{ id: 'sub_1' }] })
    if (String(url).includes(one)) return Response.json({ code: 'not_found', title: 'no' }, { status: 404 })
    init?.signal?.addEventListener('abort', () => left.resolve())
    return new Response(new ReadableStream())
  })
  onTestFinished(() => fetched.mockRestore())
  const argv = [one, other, '--url', 'http://relay', '--key', 'a-key']
  await expect(watchCommand().parseAsync(argv, { from: 'user' })).rejects.toThrow('404 not_found')
  await left.promise
})
