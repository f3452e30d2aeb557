/** CONTRACT §5.1, §5.2: what is asked for, together with what, and how often. */
import { expect, it } from 'vitest'
import { callsFor, statusUrl } from './upstream.ts'
import { apiOrigin, hour, masterOrigin, minute, newToken, openWorld, second } from './world.ts'

it('tasks of one host share calls of at most POLLHOOK_POLL_BATCH tokens', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '10' })
  const inputs = Array.from({ length: 25 }, (_, n) => ({
    taskToken: newToken(),
    statusUrl: n < 20 ? `${masterOrigin}/v1/status` : null,
  }))
  await Promise.all(inputs.map((input) => world.register(input)))
  await world.run(second)
  const sizes = (origin: string) =>
    world.calls.filter((call) => call.origin === origin).map(({ tokens }) => tokens.length)
  expect(sizes(masterOrigin)).toEqual([10, 10])
  expect(sizes(apiOrigin)).toEqual([5])
})

it('a task with many subscribers is polled once, and each is told', async () => {
  const world = openWorld()
  const taskToken = newToken()
  for (const n of [1, 2, 3]) await world.register({ taskToken, callbackUrl: `https://app.example.com/${n}` })
  await world.run(second)
  expect(callsFor(world, taskToken)).toHaveLength(1)
  expect(world.sent.map(({ url }) => url.at(-1)).sort()).toEqual(['1', '2', '3'])
})

it('two polls of a task are never closer than the interval, and back off to the longest wait', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(10 * minute)
  const asked = callsFor(world, taskToken).map(({ at }) => at)
  const waits = asked.slice(1).map((at, i) => at - asked[i]!)
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(5 * second)
  // With its jitter, and no longer: nobody comes due with whom it could share a call.
  expect(waits[0]).toBeLessThanOrEqual(5.5 * second)
  expect(waits.at(-1)).toBeGreaterThanOrEqual(30 * second)
  expect(waits.at(-1)).toBeLessThanOrEqual(33 * second)
  for (let i = 1; i < waits.length; i++) expect(waits[i]).toBeGreaterThanOrEqual(waits[i - 1]! - 3 * second)
})

it('the interval counts from the answer, for what is hinted at and for what is registered anew', async () => {
  const world = openWorld()
  const honest = world.upstream.answer
  // Most of it the way there, as for a first call that has to connect.
  world.upstream.answer = async (origin, tokens) => world.later(800, await honest(origin, tokens))
  const taskToken = newToken()
  const { id } = await world.register({ taskToken })
  const polls = () => callsFor(world, taskToken).map(({ at }) => at)
  await world.run(second)
  world.relay().commands.hint(taskToken)
  await world.run(5.2 * second)
  // Under way: its answer comes to a task that nobody waits for, and counts for the next who does.
  expect(polls()).toHaveLength(2)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, id))
  await world.run(second)
  await world.register({ taskToken })
  await world.run(6 * second)
  const [first = 0, hinted = 0, anew = 0] = polls()
  expect(Math.min(hinted - first, anew - hinted)).toBeGreaterThanOrEqual(5.8 * second)
})

it('a change brings the wait back to the interval', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(10 * minute)
  await world.change(taskToken, { status: 'saving' })
  const changed = callsFor(world, taskToken).at(-1)!.at
  await world.run(10 * second)
  const next = callsFor(world, taskToken).find(({ at }) => at > changed)
  expect(next).toBeDefined()
})

it('after an end that upstream reported the task is not polled again', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, { status: 'completed' })
  await world.register({ taskToken })
  await world.run(hour)
  expect(callsFor(world, taskToken)).toHaveLength(1)
})

it('a task without active or paused subscriptions is not polled', async () => {
  const world = openWorld()
  const taskToken = newToken()
  const made = await world.register({ taskToken })
  await world.run(second)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, made.id))
  const asked = callsFor(world, taskToken).length
  await world.run(hour)
  expect(callsFor(world, taskToken)).toHaveLength(asked)
})

it('a task waits for no company where it is alone at its host', async () => {
  const world = openWorld()
  const tokens = [newToken(), newToken()]
  world.upstream.answer = (_origin, asked) => {
    const percent = world.calls.length / 10
    return {
      kind: 'statuses',
      statuses: new Map(asked.map((token) => [token, { status: 'encoding', percent }])),
    }
  }
  for (const [n, taskToken] of tokens.entries()) {
    await world.register({
      taskToken,
      percentStep: 0.1,
      statusUrl: `https://master-${n}.qencode.com/v1/status`,
    })
    await world.run(second)
  }
  await world.run(minute)
  for (const token of tokens) {
    const asked = callsFor(world, token).map(({ at }) => at)
    const waits = asked.slice(1).map((at, i) => at - asked[i]!)
    expect(Math.max(...waits)).toBeLessThanOrEqual(5.5 * second)
  }
})

it('tasks that are registered again one after the other share calls', async () => {
  const world = openWorld()
  const tokens = Array.from({ length: 100 }, newToken)
  for (const taskToken of tokens) {
    const { id } = await world.register({ taskToken })
    await world.run(second)
    await world.after(world.relay().commands.cancelSubscription(world.ownerId, id))
  }
  await world.run(minute)
  world.calls.length = 0
  for (const taskToken of tokens) {
    await world.register({ taskToken })
    await world.run(2)
  }
  await world.run(second)
  expect(world.calls.flatMap((call) => call.tokens)).toHaveLength(100)
  expect(world.calls.length).toBeLessThanOrEqual(4)
})

it('the status_url of an answer is where the task is polled next, if policy allows it', async () => {
  const world = openWorld()
  const taskToken = newToken()
  const evil = { status: 'encoding', status_url: 'https://evil.example.com/v1/status' }
  world.statuses.set(taskToken, evil)
  const { id } = await world.register({ taskToken })
  await world.run(second)
  await world.change(taskToken, { status: 'encoding', status_url: statusUrl })
  await world.run(minute)
  expect(world.calls.map(({ origin }) => origin).slice(0, 3)).toEqual([apiOrigin, apiOrigin, masterOrigin])
  await world.change(taskToken, evil)
  await world.run(minute)
  expect(world.calls.at(-1)?.origin).toBe(masterOrigin)
  expect(world.subscription(id).statusUrl).toBe(statusUrl)
})

it('what nobody was asked for has not been polled', async () => {
  const world = openWorld()
  world.upstream.answer = async () => ({ kind: 'busy', retryAfterMs: minute })
  const [asked, refused] = [await world.register(), newToken()]
  await world.run(second)
  await world.register({ taskToken: refused })
  await world.run(10 * second)
  expect(world.calls).toHaveLength(1)
  const { polledAt } = world.relay().commands
  expect([polledAt(asked.taskToken) === null, polledAt(refused)]).toEqual([false, null])
})

it('when a task was last polled is known after it ended, until the next start', async () => {
  const world = openWorld()
  const one = await world.register()
  await world.register()
  await world.change(one.taskToken, { status: 'completed' })
  const polledAt = world.relay().commands.polledAt(one.taskToken)
  expect(polledAt).not.toBeNull()
  await world.run(10 * minute)
  expect(world.relay().commands.polledAt(one.taskToken)).toBe(polledAt)
  world.crash()
  world.start()
  await world.run(minute)
  expect(world.relay().commands.polledAt(one.taskToken)).toBeNull()
})
