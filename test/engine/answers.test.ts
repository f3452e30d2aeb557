/** CONTRACT §4.4: 2xx is success and nothing else; 410, Retry-After, and how long a delivery waits. */
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import {
  accepted,
  type EngineWorld,
  hour,
  minute,
  newToken,
  openWorld,
  rejected,
  second,
  sendTest,
  timedOut,
} from './world.ts'

/** Registers a task whose one event is `status`, and lets the first attempt go out. */
async function firstAttempt(world: EngineWorld, status: string, outcome: Outcome) {
  const token = newToken()
  world.statuses.set(token, { status })
  world.receiver.answer = () => outcome
  const made = await world.register({ taskToken: token })
  await world.run(second)
  expect(world.sent).toHaveLength(1)
  return made
}

async function waitAfter(status: string, outcome: Outcome, env: Record<string, string> = {}) {
  const world = openWorld(env)
  await firstAttempt(world, status, outcome)
  while (world.sent.length < 2) await world.run(100)
  return world.sent[1]!.at - world.sent[0]!.at
}

it.for([200, 201, 204, 299])('%i is success', async (statusCode) => {
  const world = openWorld()
  const made = await firstAttempt(world, 'encoding', { kind: 'accepted', statusCode, responseBody: null })
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 1 }])
})

it.for([301, 302, 307, 400, 401, 404, 500, 503])('%i is tried again', async (status) => {
  const world = openWorld()
  const made = await firstAttempt(world, 'encoding', rejected(status))
  expect(world.deliveries(made)).toMatchObject([{ state: 'pending', attempts: 1 }])
})

it('410 to any attempt, a test included, cancels the subscription and what waits', async () => {
  const world = openWorld({ POLLHOOK_OWNER_QUOTA: '1' })
  const made = await firstAttempt(world, 'encoding', accepted)
  const seen: string[] = []
  world.relay().feed.subscribe(made.taskToken, () => seen.push(world.subscription(made.id).state))
  world.receiver.answer = () => rejected(410)
  await sendTest(world, made.id)
  await world.run(second)
  expect(world.subscription(made.id)).toMatchObject({ state: 'cancelled', stateReason: 'gone' })
  const calls = world.calls.length
  await world.run(hour)
  expect(world.sent).toHaveLength(2)
  expect(world.calls).toHaveLength(calls)
  // Streams of it end, and there is room for another.
  expect(seen.at(-1)).toBe('cancelled')
  await world.register()
})

it.for([429, 503])(
  '%i: Retry-After in seconds holds the whole endpoint, never a moment less',
  async (status) => {
    const world = openWorld()
    await firstAttempt(world, 'encoding', rejected(status, '120'))
    const asked = world.elapsed()
    world.receiver.answer = () => accepted
    await world.register()
    await world.register({ callbackUrl: 'https://elsewhere.example.com/hook' })
    await world.run(118 * second)
    expect(world.sent.filter(({ url }) => url.startsWith('https://app.'))).toHaveLength(1)
    expect(world.sent.filter(({ url }) => url.startsWith('https://elsewhere.')).length).toBeGreaterThan(0)
    await world.run(minute)
    const later = world.sent.filter(({ url }) => url.startsWith('https://app.')).slice(1)
    expect(later.length).toBeGreaterThanOrEqual(2)
    for (const { at } of later) expect(at).toBeGreaterThanOrEqual(asked - second + 120 * second)
  },
)

it('Retry-After as an HTTP-date is waited for', async () => {
  const world = openWorld()
  await firstAttempt(world, 'encoding', rejected(503, 'Mon, 23 Nov 2026 10:05:00 GMT'))
  world.receiver.answer = () => accepted
  await world.run(10 * minute)
  expect(world.sent[1]!.at).toBeGreaterThanOrEqual(5 * minute)
  expect(world.sent[1]!.at).toBeLessThan(5 * minute + second)
})

it('Retry-After is capped at 10 h', async () => {
  const world = openWorld()
  await firstAttempt(world, 'completed', rejected(429, '999999'))
  await world.run(11 * hour)
  expect(world.sent[1]!.at - world.sent[0]!.at).toBeGreaterThanOrEqual(10 * hour)
  expect(world.sent[1]!.at - world.sent[0]!.at).toBeLessThan(10 * hour + second)
})

it('Retry-After of another status is not honoured', async () => {
  expect(await waitAfter('encoding', rejected(500, '3600'))).toBeLessThan(6 * second)
})

it('a terminal event waits at least 60 s after a timeout or a bare 429', async () => {
  expect(await waitAfter('completed', timedOut)).toBeGreaterThanOrEqual(minute)
  expect(await waitAfter('completed', rejected(429))).toBeGreaterThanOrEqual(minute)
  expect(await waitAfter('completed', rejected(500))).toBeLessThan(6 * second)
})

it('the 60 s hold neither for interim events nor where the schedule waits less than 5 s', async () => {
  expect(await waitAfter('encoding', timedOut)).toBeLessThan(6 * second)
  expect(await waitAfter('encoding', rejected(429))).toBeLessThan(6 * second)
  const env = { POLLHOOK_RETRY_SCHEDULE: '1s,1s' }
  expect(await waitAfter('completed', timedOut, env)).toBeLessThan(2 * second)
})

it('the attempt log tells every attempt, oldest first', async () => {
  const world = openWorld()
  const made = await firstAttempt(world, 'encoding', rejected(500))
  world.receiver.answer = () => ({ kind: 'unreachable', errorCode: 'connection_refused' })
  await world.run(10 * second)
  world.receiver.answer = () => accepted
  await world.run(minute)
  expect(world.deliveries(made)[0]!.attemptLog).toMatchObject([
    { attempt: 1, outcome: 'rejected', statusCode: 500 },
    { attempt: 2, outcome: 'unreachable', errorCode: 'connection_refused' },
    { attempt: 3, outcome: 'accepted', statusCode: 204 },
  ])
})
