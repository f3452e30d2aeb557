/** Each fault over real HTTP, and who suffers from it. */
import { afterEach, expect, test } from 'vitest'
import { createFaultBook } from '../../src/simulator/faults.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import type { Simulator } from '../../src/simulator/simulator.ts'
import { ask, simulator } from './support.ts'

let sim: Simulator
afterEach(() => sim.close())

async function withJobs(options: Parameters<typeof simulator>[0] = {}) {
  const made = await simulator(options)
  sim = made.sim
  const jobs = [sim.createJob({ master: 0 }), sim.createJob({ master: 1 })] as const
  return { ...made, one: jobs[0].taskToken, other: jobs[1].taskToken }
}

/** The error code of a call that got no answer. */
async function brokenCall(origin: string, token: string): Promise<string | undefined> {
  const error = (await ask(origin, token).catch((thrown: unknown) => thrown)) as { cause?: { code?: string } }
  return error.cause?.code
}

test('latency holds the answer back and changes nothing else', async () => {
  const waits: number[] = []
  const { one } = await withJobs({ wait: async (ms) => void waits.push(ms) })
  sim.setFault('*', { kind: 'latency', ms: 300 })
  sim.setFault(one, { kind: 'latency', ms: 50 })
  expect((await ask(sim.url, one)).statuses?.[one]?.status).toBe('downloading')
  expect(waits).toEqual([350])
})

test('a time-out is a call without an answer until the simulator closes', async () => {
  const { one, other } = await withJobs()
  sim.setFault(one, { kind: 'timeout' })
  const hanging = brokenCall(sim.url, one)
  // The other token's answer shows that the hanging call had every chance to be answered.
  expect((await ask(sim.url, other)).error).toBe(0)
  while (sim.callCount < 2) await ask(sim.url, other)
  await sim.close()
  expect(await hanging).toBe('UND_ERR_SOCKET')
  sim = (await simulator()).sim
})

test('a reset is a reset of the connection', async () => {
  const { one, other } = await withJobs()
  sim.setFault(one, { kind: 'reset' })
  expect(await brokenCall(sim.url, one)).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
  expect((await ask(sim.url, other)).error).toBe(0)
})

test('a server error has its status, an HTML answer is 200', async () => {
  const { one } = await withJobs()
  sim.setFault('*', { kind: 'server_error', status: 502 })
  expect((await ask(sim.url, one)).http).toBe(502)
  sim.setFault('*', { kind: 'html' })
  const answer = await ask(sim.url, one)
  expect(answer.http).toBe(200)
  expect(answer.text).toContain('<html>')
})

test('busy is error 8, a bad token in the batch is error 13 for all of it', async () => {
  const { one, other } = await withJobs()
  sim.setFault('*', { kind: 'busy', retryAfterSeconds: 7 })
  expect(await ask(sim.url, one)).toMatchObject({ http: 200, error: 8 })
  const response = await fetch(`${sim.url}/v1/status`, {
    method: 'POST',
    body: new URLSearchParams({ task_tokens: one }),
  })
  expect(response.headers.get('retry-after')).toBe('7')
  sim.setFault('*', null)
  sim.setFault(one, { kind: 'bad_token' })
  expect(await ask(sim.url, one, other)).toMatchObject({ http: 200, error: 13 })
  expect((await ask(sim.url, other)).error).toBe(0)
})

test('null and missing entries touch only their token', async () => {
  const { one, other } = await withJobs()
  sim.setFault(one, { kind: 'null_entry' })
  expect((await ask(sim.url, one, other)).statuses).toMatchObject({
    [one]: null,
    [other]: { status: 'downloading' },
  })
  sim.setFault(one, { kind: 'missing_entry' })
  expect(Object.keys((await ask(sim.url, one, other)).statuses ?? {})).toEqual([other])
})

test('a regression shows an earlier state, but never undoes an end', async () => {
  const { one, advance } = await withJobs()
  advance(60_000)
  const before = (await ask(sim.url, one)).statuses?.[one]
  sim.setFault(one, { kind: 'regression', times: 1 })
  const back = (await ask(sim.url, one)).statuses?.[one]
  expect(Number(back?.percent)).toBeLessThan(Number(before?.percent))
  expect((await ask(sim.url, one)).statuses?.[one]).toEqual(before)
  sim.setFault(one, { kind: 'regression' })
  advance(40_000)
  expect((await ask(sim.url, one)).statuses?.[one]?.status).toBe('completed')
})

test('a master that dies mid-job takes its other jobs along; API host and other masters live', async () => {
  const { one, other, advance } = await withJobs()
  const neighbour = sim.createJob({ master: 0 }).taskToken
  sim.setFault(one, { kind: 'dead_master', at: 0.5 })
  advance(49_999)
  expect((await ask(sim.masters[0]!, one, neighbour)).error).toBe(0)
  advance(1)
  expect(await brokenCall(sim.masters[0]!, one)).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
  expect(await brokenCall(sim.masters[0]!, neighbour)).toMatch(/ECONNRESET|UND_ERR_SOCKET/)
  expect(sim.calls.at(-1)?.fault).toBe('dead_master')
  expect((await ask(sim.masters[1]!, other)).error).toBe(0)
  expect((await ask(sim.url, one)).statuses?.[one]?.status).toBe('encoding')
  sim.setFault(one, null)
  expect((await ask(sim.masters[0]!, one)).error).toBe(0)
})

test('a dead master may hang instead', async () => {
  const { one, other } = await withJobs()
  sim.setFault('*', { kind: 'dead_master', at: 0, hangs: true })
  const hanging = brokenCall(sim.masters[0]!, one)
  while (sim.calls.length === 0) await ask(sim.url, other)
  expect((await ask(sim.url, one)).error).toBe(0)
  await sim.close()
  expect(await hanging).toBe('UND_ERR_SOCKET')
  sim = (await simulator()).sim
})

test('a fault may be for one kind of host and for a number of times', async () => {
  const { one } = await withJobs()
  sim.setFault('*', { kind: 'html', host: 'master', times: 2 })
  expect((await ask(sim.url, one)).error).toBe(0)
  const texts = [1, 2, 3].map(async () => (await ask(sim.masters[0]!, one)).text.startsWith('<'))
  expect((await Promise.all(texts)).filter(Boolean)).toHaveLength(2)
})

test('a fault that another one forestalls has not happened: its number of times stays', () => {
  const book = createFaultBook(seededRandom(1))
  const strike = () => {
    const { call, entries } = book.strike({ host: 'api', tokens: ['one'] })
    return call?.kind ?? entries.get('one') ?? null
  }
  book.set('*', [
    { kind: 'timeout', times: 1 },
    { kind: 'busy', times: 1 },
    { kind: 'null_entry', times: 1 },
  ])
  book.set('one', { kind: 'missing_entry', times: 1 })
  const struck = Array.from({ length: 5 }, strike)
  expect(struck).toEqual(['timeout', 'busy', 'missing_entry', 'null_entry', null])
})

test('chance follows the seed', () => {
  const strikes = (seed: number) => {
    const book = createFaultBook(seededRandom(seed))
    book.set('*', { kind: 'reset', probability: 0.3 })
    return Array.from({ length: 1000 }, () => book.strike({ host: 'api', tokens: [] }).call !== null)
  }
  expect(strikes(1)).toEqual(strikes(1))
  expect(strikes(1)).not.toEqual(strikes(2))
  const share = strikes(1).filter(Boolean).length / 1000
  expect(share).toBeGreaterThan(0.25)
  expect(share).toBeLessThan(0.35)
})
