/** CONTRACT §5.1, §5.2, §5.6: what is asked, how often, and which answers are believed. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { statusUrl } from './upstream.ts'
import {
  apiOrigin,
  type EngineWorld,
  hour,
  masterOrigin,
  minute,
  newToken,
  openWorld,
  second,
  types,
} from './world.ts'

const callsFor = (world: EngineWorld, token: string) =>
  world.calls.filter(({ tokens }) => tokens.includes(token))

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

/** A task that somebody waited for, an hour ago; upstream says `saving` by now. */
async function leftAlone(world: EngineWorld): Promise<string> {
  const { id, taskToken } = await world.register()
  await world.run(second)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, id))
  await world.run(hour)
  world.statuses.set(taskToken, { status: 'saving' })
  return taskToken
}

it('a task that was left alone is asked anew before a new subscriber hears of it', async () => {
  const world = openWorld()
  const taskToken = await leftAlone(world)
  const again = await world.register({ taskToken })
  await world.run(10 * second)
  const told = world.sent.filter(({ subscriptionId }) => subscriptionId === again.id)
  expect(told.map(({ type }) => type)).toEqual(['task.saving'])
})

it('a subscriber to a task that is polled already gets the known state at once', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(second)
  const late = await world.register({ taskToken, callbackUrl: 'https://app.example.com/late' })
  await world.run(10)
  const told = world.sent.filter(({ subscriptionId }) => subscriptionId === late.id)
  expect(told).toMatchObject([{ type: 'task.encoding', seq: 1 }])
  expect(JSON.parse(told[0]!.request.body).data.previous).toBeNull()
})

it('a step back is believed only when two answers in a row say so, and then the second is taken', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, { status: 'encoding', percent: 50 })
  await world.register({ taskToken })
  await world.run(second)
  await world.change(taskToken, { status: 'queued', percent: 0 })
  await world.change(taskToken, { status: 'encoding', percent: 60 })
  await world.run(second)
  expect(types(world)).toEqual(['task.encoding', 'task.progress'])
  await world.change(taskToken, { status: 'encoding', percent: 30 })
  const first = callsFor(world, taskToken).at(-1)!.at
  await world.change(taskToken, { status: 'encoding', percent: 20 })
  await world.run(second)
  expect(callsFor(world, taskToken).at(-1)!.at - first).toBeLessThan(10 * second)
  expect(JSON.parse(world.sent.at(-1)!.request.body).data).toMatchObject({
    percent: 20,
    previous: { percent: 60 },
  })
})

it('a missing key, "None" and null are no change', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, { status: 'encoding', percent: '42.5' })
  await world.register({ taskToken })
  await world.run(second)
  for (const entry of [{}, { status: 'None', percent: null }, { percent: 'None' }]) {
    await world.change(taskToken, entry)
  }
  await world.run(second)
  expect(types(world)).toEqual(['task.encoding'])
  expect(JSON.parse(world.sent[0]!.request.body).data.percent).toBe(42.5)
})

it("upstream's own callback makes a task due as soon as the interval allows, and no sooner", async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(10 * minute)
  const before = callsFor(world, taskToken).at(-1)!.at
  await world.run(6 * second)
  const asked = callsFor(world, taskToken).length
  for (let n = 0; n < 50; n++) world.relay().commands.hint(taskToken)
  await world.run(4 * second)
  const calls = callsFor(world, taskToken).slice(asked)
  expect(calls).toHaveLength(1)
  expect(calls[0]!.at - before).toBeGreaterThanOrEqual(5 * second)
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

it('a hint that comes while the task is asked for is not lost: the answer may be older', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(10 * minute)
  const answered = Promise.withResolvers<StatusAnswer>()
  const { answer } = world.upstream
  world.upstream.answer = () => answered.promise
  const asked = world.calls.length
  while (world.calls.length === asked) await world.run(second)
  world.relay().commands.hint(taskToken)
  world.upstream.answer = answer
  world.statuses.set(taskToken, { status: 'completed' })
  answered.resolve({ kind: 'statuses', statuses: new Map([[taskToken, { status: 'encoding' }]]) })
  await world.run(6 * second)
  expect(types(world)).toEqual(['task.encoding', 'task.completed'])
})

it('nor does it wait for company then', async () => {
  const world = openWorld({ POLLHOOK_POLL_INTERVAL_MAX: '5s' })
  for (let n = 0; n < 40; n++) {
    await world.register()
    await world.run(333)
  }
  await world.run(minute)
  const { answer } = world.upstream
  world.upstream.answer = async (origin, tokens) => world.later(300, await answer(origin, tokens))
  for (let n = 0; n < 10; n++) {
    const from = world.calls.length
    while (world.calls.length === from) await world.run(10)
    const [taskToken] = world.calls.at(-1)!.tokens
    const { at } = world.calls.at(-1)!
    world.relay().commands.hint(taskToken!)
    await world.run(12 * second)
    const next = callsFor(world, taskToken!).find((call) => call.at > at)!
    // A 25th of the interval for the look, and the time in which others may be hinted at.
    expect(next.at - at).toBeLessThanOrEqual(5 * second + 200 + 100 + 50)
  }
})

it('a hint that comes while upstream wants to be left alone holds until it may be asked again', async () => {
  const world = openWorld()
  const { answer } = world.upstream
  const { taskToken } = await world.register()
  await world.run(10 * minute)
  const from = world.calls.length
  while (world.calls.length === from) await world.run(100)
  await world.run(7 * second)
  world.upstream.answer = () => ({ kind: 'busy', retryAfterMs: 6 * second })
  await world.register()
  await world.run(second)
  world.upstream.answer = answer
  world.statuses.set(taskToken, { status: 'completed' })
  const asked = world.calls.length
  world.relay().commands.hint(taskToken)
  await world.run(second)
  expect(world.calls).toHaveLength(asked)
  await world.run(6 * second)
  expect(types(world)).toContain('task.completed')
})

it('a task that is hinted at waits for no company', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(10 * minute)
  await world.register()
  await world.run(4 * second)
  const asked = callsFor(world, taskToken).length
  // The other is due in a moment.
  world.relay().commands.hint(taskToken)
  await world.run(0.2 * second)
  expect(
    callsFor(world, taskToken)
      .slice(asked)
      .map(({ tokens }) => tokens),
  ).toEqual([[taskToken]])
  await world.run(14 * second)
  expect(callsFor(world, taskToken)).toHaveLength(asked + 1)
})

it('a task that waits for company already waits no longer once it is hinted at', async () => {
  const world = openWorld({ POLLHOOK_POLL_INTERVAL_MAX: '5s' })
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(2 * second)
  await world.register()
  const polledAt = () => callsFor(world, taskToken).at(-1)!.at
  // Later than a tenth after the interval it can only wait for the other.
  while (world.elapsed() - polledAt() < 5.6 * second) await world.run(0.1 * second)
  const asked = callsFor(world, taskToken).length
  world.relay().commands.hint(taskToken)
  await world.run(0.2 * second)
  expect(callsFor(world, taskToken)).toHaveLength(asked + 1)
})

it('expires_in ends the subscription after one last poll, where an end seen there wins', async () => {
  const world = openWorld()
  const slow = newToken()
  const done = newToken()
  const made = await world.register({ taskToken: slow, expiresInMs: 5 * minute })
  const other = await world.register({ taskToken: done, expiresInMs: 5 * minute })
  await world.run(4 * minute + 50 * second)
  world.statuses.set(done, { status: 'completed' })
  await world.run(5 * minute)
  expect(world.subscription(made.id).state).toBe('expired')
  expect(world.subscription(other.id).state).toBe('completed')
  expect(types(world).sort()).toEqual(['task.completed', 'task.encoding', 'task.encoding', 'task.expired'])
})

it('a restart spreads the tasks over one interval and repeats no event', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1' })
  for (let n = 0; n < 20; n++) await world.register()
  await world.run(second)
  const told = world.sent.length
  world.crash()
  world.start()
  const from = world.elapsed()
  await world.run(10 * second)
  const asked = world.calls.filter(({ at }) => at >= from)
  expect(new Set(asked.flatMap(({ tokens }) => tokens)).size).toBe(20)
  expect(world.sent).toHaveLength(told)
})

it('answers that arrive together share one commit, of which each task keeps what is its own', async () => {
  const commits: number[] = []
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        recordPoll(results, ...rest) {
          commits.push(results.length)
          return store.recordPoll(results, ...rest)
        },
      }),
    },
  )
  const made = [await world.register(), await world.register({ statusUrl: `${masterOrigin}/v1/status` })]
  await world.run(second)
  expect(world.calls.map(({ origin }) => origin)).toEqual([masterOrigin, apiOrigin])
  expect(commits).toEqual([2])
  for (const one of made) expect(world.deliveries(one)).toMatchObject([{ type: 'task.encoding', seq: 1 }])
})

it('a status that was nothing new is looked at again for a subscription that wants finer steps', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, { status: 'encoding', percent: 41 })
  await world.register({ taskToken, percentStep: 50 })
  await world.run(second)
  await world.change(taskToken, { status: 'encoding', percent: 47 })
  await world.run(10 * second)
  const finer = await world.register({ taskToken, percentStep: 1, callbackUrl: 'https://app.example.com/2' })
  await world.run(30 * second)
  expect(world.deliveries(finer).map(({ type, body }) => [type, JSON.parse(body).data.percent])).toEqual([
    ['task.encoding', 41],
    ['task.progress', 47],
  ])
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

it('a registration whose task cannot be read afterwards stands, and is polled as soon as it can be', async () => {
  let isBroken = false
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        watchesOf(tokens) {
          if (isBroken) throw new Error('disk I/O error')
          return store.watchesOf(tokens)
        },
      }),
    },
  )
  isBroken = true
  const one = await world.register()
  await world.run(3 * second)
  expect(world.calls).toEqual([])
  isBroken = false
  await world.run(2 * second)
  expect(world.deliveries(one)).toMatchObject([{ type: 'task.encoding', state: 'delivered' }])
})

it('a percent that falls within its step is asked for soon once, then no more often than one that stays', async () => {
  const world = openWorld()
  const [falls, stays] = [newToken(), newToken()]
  for (const taskToken of [falls, stays]) {
    world.statuses.set(taskToken, { status: 'encoding', percent: 42.5 })
    await world.register({ taskToken })
  }
  await world.run(minute)
  world.statuses.set(falls, { status: 'encoding', percent: 42.4 })
  const before = callsFor(world, falls).length - callsFor(world, stays).length
  await world.run(hour)
  const more = callsFor(world, falls).length - callsFor(world, stays).length - before
  expect([0, 1]).toContain(more)
})

it('two smaller percents in a row are believed, be the first within its step', async () => {
  const world = openWorld()
  const said = [42.5, 42.4, 30, 50]
  world.upstream.answer = (_, tokens) => {
    const percent = said.length > 1 ? said.shift() : said[0]
    return { kind: 'statuses', statuses: new Map([[tokens[0]!, { status: 'encoding', percent }]]) }
  }
  const one = await world.register()
  await world.run(5 * minute)
  expect(world.deliveries(one).map(({ body }) => JSON.parse(body).data.percent)).toEqual([42.5, 30, 50])
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

it("what a call from before a registration says of its task is nobody's", async () => {
  const world = openWorld()
  const taskToken = newToken()
  const answered = Promise.withResolvers<StatusAnswer>()
  const { answer } = world.upstream
  world.upstream.answer = () => answered.promise
  const { id } = await world.register({ taskToken })
  await world.run(second)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, id))
  world.upstream.answer = answer
  world.statuses.set(taskToken, { status: 'saving' })
  await world.register({ taskToken })
  await world.run(6 * second)
  answered.resolve({ kind: 'statuses', statuses: new Map([[taskToken, { status: 'completed' }]]) })
  await world.run(minute)
  expect(types(world)).toEqual(['task.saving'])
})

it('all who register to a task that was left alone hear of it as a new poll finds it', async () => {
  const world = openWorld()
  const taskToken = await leftAlone(world)
  world.sent.length = 0
  await Promise.all([
    world.register({ taskToken }),
    world.register({ taskToken, callbackUrl: 'https://app.example.com/other' }),
  ])
  await world.run(20)
  await world.register({ taskToken, callbackUrl: 'https://app.example.com/third' })
  await world.run(10 * second)
  expect(types(world)).toEqual(['task.saving', 'task.saving', 'task.saving'])
  // Now it is known how it stands.
  await world.register({ taskToken, callbackUrl: 'https://app.example.com/fourth' })
  await world.run(20)
  expect(types(world)).toHaveLength(4)
})

it('a stall is told in time although the last poll of somebody else is put off', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken, expiresInMs: 55 * second })
  const other = await world.register({ taskToken, callbackUrl: 'https://app.example.com/other' })
  await world.run(3 * second)
  world.upstream.answer = () => ({ kind: 'busy', retryAfterMs: 10 * hour })
  await world.run(200 * second)
  expect(world.deliveries(other).map(({ type }) => type)).toContain('task.stalled')
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
