/** What the simulated service says of its jobs, over HTTP. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { ask, post, simulator } from './support.ts'

let sim: Simulator
let advance: (ms: number) => void
beforeEach(async () => {
  ;({ sim, advance } = await simulator({ masters: 3 }))
})
afterEach(() => sim.close())

const form = (fields: Record<string, string>) => new URLSearchParams(fields)

test('a job shows its percent with all its digits, then videos and images with the documented odd types', async () => {
  const { taskToken, statusUrl } = sim.createJob()
  const master = new URL(statusUrl).origin
  expect(sim.masters).toContain(master)
  advance(50_000)
  const during = await ask(master, taskToken)
  expect(during.text).toMatch(/"percent":\d{1,2}\.\d{14,16}\b/)
  advance(50_000)
  const end = (await ask(master, taskToken)).statuses?.[taskToken]
  expect(end).toMatchObject({ status: 'completed', percent: 100, error: 0, error_description: null })
  const [video] = (end?.videos ?? []) as Record<string, unknown>[]
  expect(JSON.parse(video?.meta as string)).toEqual({ width: 854, resolution: 480, height: 480 })
  expect(video).toMatchObject({ percent: '100', duration: expect.any(String) })
  expect(end?.images).toHaveLength(2)
})

test('a finished rendition is listed while the task is still encoding', async () => {
  const { taskToken, statusUrl } = sim.createJob()
  advance(75_000)
  const entry = (await ask(new URL(statusUrl).origin, taskToken)).statuses?.[taskToken]
  expect(entry?.status).toBe('encoding')
  expect(entry?.videos).toHaveLength(1)
})

test('API host and master write different keys, and "None" where nothing is known yet', async () => {
  const { taskToken, statusUrl } = sim.createJob({ payload: 'mine' })
  const fromApi = (await ask(sim.url, taskToken)).statuses?.[taskToken]
  const fromMaster = (await ask(new URL(statusUrl).origin, taskToken)).statuses?.[taskToken]
  expect(fromApi).toMatchObject({ status_url: statusUrl, duration: 'None', payload: 'mine', percent: null })
  expect(fromMaster).toMatchObject({ error_description: 'None', percent: 0, videos: [] })
  expect(fromMaster).not.toHaveProperty('status_url')
  expect(fromApi).not.toHaveProperty('videos')
})

test('the API host answers for every token, a master only for its own', async () => {
  const jobs = [sim.createJob({ master: 0 }), sim.createJob({ master: 1 })]
  const tokens = jobs.map(({ taskToken }) => taskToken)
  const all = await ask(sim.url, ...tokens)
  expect(Object.values(all.statuses ?? {}).every((entry) => entry?.status === 'downloading')).toBe(true)
  const own = await ask(sim.masters[1]!, ...tokens)
  expect(own.statuses).toMatchObject({ [tokens[0]!]: null, [tokens[1]!]: { status: 'downloading' } })
})

test('jobs go to the masters in turn', () => {
  const hosts = [1, 2, 3, 4].map(() => new URL(sim.createJob().statusUrl).origin)
  expect(hosts).toEqual([...sim.masters, sim.masters[0]])
})

test('a failing job says error 1 and why', async () => {
  const { taskToken } = sim.createJob({ fails: { at: 0.4, description: 'no moov' } })
  advance(40_000)
  const entry = (await ask(sim.url, taskToken)).statuses?.[taskToken]
  expect(entry).toMatchObject({ status: 'error', error: 1, error_description: 'no moov' })
})

test('speed makes jobs run faster than the clock', async () => {
  await sim.close()
  ;({ sim, advance } = await simulator({ speed: 50 }))
  const { taskToken } = sim.createJob()
  advance(2_000)
  expect((await ask(sim.url, taskToken)).statuses?.[taskToken]?.status).toBe('completed')
})

test('an unknown token is null; a malformed one fails the whole call with error 13', async () => {
  const { taskToken } = sim.createJob()
  const unknown = 'f'.repeat(32)
  expect((await ask(sim.url, unknown, taskToken)).statuses).toMatchObject({ [unknown]: null })
  const bad = await ask(sim.url, taskToken, 'nonsense')
  expect(bad).toMatchObject({ http: 200, error: 13 })
  expect(bad).not.toHaveProperty('statuses')
})

test('tokens may also come as one task_tokens, or separated by commas', async () => {
  const tokens = [sim.createJob(), sim.createJob()].map(({ taskToken }) => taskToken)
  const single = await post(`${sim.url}/v1/status`, form({ task_tokens: tokens[0]! }))
  expect(Object.keys(single.statuses ?? {})).toEqual([tokens[0]])
  const list = await post(`${sim.url}/v1/status`, form({ task_tokens: tokens.join(',') }))
  expect(Object.keys(list.statuses ?? {})).toEqual(tokens)
})

test('what is missing or wrong has the number that Qencode gives it', async () => {
  const call = async (path: string, fields: Record<string, string>) =>
    (await post(`${sim.url}/v1/${path}`, form(fields))).error
  expect(await call('status', {})).toBe(14)
  expect(await call('access_token', {})).toBe(14)
  expect(await call('access_token', { api_key: 'bad-key' })).toBe(3)
  expect(await call('create_task', { token: 'stale' })).toBe(5)
  expect(await call('start_encode2', { task_token: 'f'.repeat(32), query: '{}' })).toBe(5)
  expect(await call('start_encode2', { task_token: sim.createTask() })).toBe(19)
  expect(await call('start_encode2', { task_token: sim.createTask(), query: 'x' })).toBe(19)
  expect(await call('status', { task_tokens: 'x'.repeat(2 ** 20) })).toBe(9)
})

test('masters serve nothing but status', async () => {
  const answer = await post(`${sim.masters[0]}/v1/create_task`, form({ token: 'x' }))
  expect(answer.http).toBe(404)
})

test('a task that was not started is created; a source under .invalid cannot be downloaded', async () => {
  const task_token = sim.createTask()
  expect((await ask(sim.url, task_token)).statuses?.[task_token]?.status).toBe('created')
  const query = JSON.stringify({ query: { source: 'https://nowhere.invalid/a.mp4' } })
  const started = await post(`${sim.url}/v1/start_encode2`, form({ task_token, query }))
  expect(started).toMatchObject({ error: 0, status_url: expect.stringContaining('/v1/status') })
  const again = await post(`${sim.url}/v1/start_encode2`, form({ task_token, query }))
  expect(again).toMatchObject({ text: started.text })
  advance(5_000)
  expect((await ask(sim.url, task_token)).statuses?.[task_token]?.status).toBe('error')
})

test('a session ends after a day', async () => {
  const opened = JSON.parse((await post(`${sim.url}/v1/access_token`, form({ api_key: 'k' }))).text)
  const create = async () => (await post(`${sim.url}/v1/create_task`, form({ token: opened.token }))).error
  expect(await create()).toBe(0)
  advance(24 * 3_600_000)
  expect(await create()).toBe(5)
})

test('calls are remembered in a ring of bounded size', async () => {
  await sim.close()
  ;({ sim, advance } = await simulator({ callsMax: 2 }))
  const tokens = [1, 2, 3].map(() => sim.createJob().taskToken)
  for (const token of tokens) await ask(sim.url, token)
  expect(sim.calls.map((call) => call.tokens)).toEqual([[tokens[1]], [tokens[2]]])
  expect(sim.calls[0]).toMatchObject({ host: sim.url, at: 1_790_000_000_000, fault: null })
  expect(sim.callCount).toBe(3)
})

test('the same seed makes the same tokens', async () => {
  const other = await simulator()
  try {
    expect(other.sim.createJob().taskToken).toBe(sim.createJob().taskToken)
  } finally {
    await other.sim.close()
  }
})

test('a job cannot be put on a master that is not there', () => {
  expect(() => sim.createJob({ master: 3 })).toThrow('there is no master 3: there are 3')
})
