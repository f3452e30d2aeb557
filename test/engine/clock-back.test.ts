/** The wall clock of a machine is set back, by NTP or by hand: nothing waits for the time to come round again. */
import { expect, it } from 'vitest'
import { accepted, hour, minute, openWorld, patchEndpoint, rejected, second, sendTest } from './world.ts'

it('tasks go on being polled, as often as before', async () => {
  const world = openWorld()
  const all = await Promise.all(Array.from({ length: 50 }, () => world.register()))
  await world.run(30 * second)
  world.step(-2 * hour)
  for (const { taskToken } of all) world.statuses.set(taskToken, { status: 'completed' })
  const from = world.elapsed()
  await world.run(minute)
  for (const one of all) {
    const asked = world.calls.filter(({ at, tokens }) => at >= from && tokens.includes(one.taskToken))
    expect(asked).toHaveLength(1)
    expect(world.deliveries(one).at(-1)).toMatchObject({ type: 'task.completed', state: 'delivered' })
  }
})

it('a host that is backed off is asked when it would have been', async () => {
  const world = openWorld()
  const one = await world.register()
  await world.run(10 * second)
  const honest = world.upstream.answer
  world.upstream.answer = () => ({ kind: 'busy', retryAfterMs: 5 * minute })
  await world.run(minute)
  world.upstream.answer = honest
  world.statuses.set(one.taskToken, { status: 'completed' })
  world.step(-hour)
  await world.run(6 * minute)
  expect(world.deliveries(one).at(-1)).toMatchObject({ type: 'task.completed', state: 'delivered' })
})

it.each([
  ['during its first failing call', 3 * second],
  ['after it', 0],
])('a host that fails is backed off, the clock set back %s', async (_when, answerMs) => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '10' })
  for (let n = 0; n < 60; n++) {
    await world.register()
    await world.run(500)
  }
  await world.run(minute)
  const from = world.calls.length
  world.upstream.answer = () => world.later(answerMs, { kind: 'failed', reason: 'timeout' })
  while (world.calls.length === from) await world.run(100)
  await world.run(50)
  world.step(-hour)
  await world.run(20 * minute)
  expect(world.calls.length - from).toBeLessThan(60)
})

it('calls that fail together are one failure, also if the clock is set back meanwhile', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '10' })
  const honest = world.upstream.answer
  let failing = true
  world.upstream.answer = async (origin, tokens) =>
    failing ? world.later(3 * second, { kind: 'failed', reason: 'timeout' }) : honest(origin, tokens)
  await Promise.all(Array.from({ length: 40 }, () => world.register()))
  await world.run(second)
  expect(world.calls).toHaveLength(4)
  world.step(-hour)
  failing = false
  await world.run(12 * second)
  expect(world.sent).toHaveLength(40)
})

it('a call that is under way when the clock is set back ends nobody early', async () => {
  const world = openWorld()
  let answer = () => {}
  const held = new Promise<void>((resolve) => {
    answer = resolve
  })
  world.upstream.answer = async (_origin, tokens) => {
    await held
    return { kind: 'statuses', statuses: new Map(tokens.map((token) => [token, { status: 'encoding' }])) }
  }
  const one = await world.register({ expiresInMs: hour })
  world.step(2 * hour)
  const late = await world.register({ expiresInMs: hour })
  await world.run(second)
  world.step(-2 * hour)
  answer()
  await world.run(minute)
  expect(world.subscription(one.id).state).toBe('active')
  expect(world.subscription(late.id).state).toBe('active')
})

it('what waits for its commit when the clock is set back is polled as often as before', async () => {
  let isToStep = false
  const world = openWorld(
    { POLLHOOK_POLL_BATCH: '1000' },
    {
      wrapStore: (store) => ({
        ...store,
        recordPoll(...news) {
          const records = store.recordPoll(...news)
          if (isToStep) world.step(-2 * hour)
          isToStep = false
          return records
        },
      }),
    },
  )
  // One more than a commit takes.
  const all = await Promise.all(Array.from({ length: 501 }, () => world.register()))
  await world.run(30 * second)
  for (const { taskToken } of all) world.statuses.set(taskToken, { status: 'saving' })
  isToStep = true
  await world.run(30 * second)
  for (const { taskToken } of all) world.statuses.set(taskToken, { status: 'completed' })
  await world.run(minute)
  const told = world.sent.filter(({ type }) => type === 'task.completed')
  expect(told).toHaveLength(501)
})

it('a retry waits as long as it would have, and what is behind it stays behind it', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  const one = await world.register()
  await world.run(second)
  expect(world.deliveries(one)).toMatchObject([{ type: 'task.encoding', state: 'pending' }])
  await world.change(one.taskToken, { status: 'completed' })
  world.receiver.answer = () => accepted
  world.step(-2 * hour)
  await world.run(10 * minute)
  expect(world.deliveries(one)).toMatchObject([
    { type: 'task.encoding', state: 'delivered' },
    { type: 'task.completed', state: 'delivered' },
  ])
  const seqs = world.sent.filter((_, i) => i >= world.sent.length - 2).map(({ seq }) => seq)
  expect(seqs).toEqual([1, 2])
})

it('nor does it wait longer for a test that waits before it', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(503, '3600')
  const one = await world.register()
  await world.run(minute)
  world.receiver.answer = () => accepted
  await sendTest(world, one.id)
  await world.run(29 * minute)
  world.step(-25 * minute)
  await world.run(31 * minute)
  expect(world.deliveries(one)).toMatchObject([
    { type: 'task.encoding', state: 'delivered' },
    { type: 'pollhook.test', state: 'delivered' },
  ])
})

it('what was due already goes before what was made later', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  const one = await world.register()
  // By then the first has failed for good reason many times, and the circuit may be open.
  for (const percent of [10, 20, 30]) await world.change(one.taskToken, { status: 'encoding', percent })
  await world.change(one.taskToken, { status: 'saving' })
  world.step(-90 * minute)
  await world.change(one.taskToken, { status: 'completed' })
  world.receiver.answer = () => accepted
  const from = world.sent.length
  await world.run(20 * minute)
  const seqs = world.sent.slice(from).map(({ seq }) => seq)
  expect(seqs.length).toBeGreaterThan(1)
  expect(seqs).toEqual(seqs.toSorted((a, b) => a! - b!))
  expect(world.deliveries(one).at(-1)).toMatchObject({ type: 'task.completed', state: 'delivered' })
})

it('an open circuit is probed within its five minutes', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  for (let i = 0; i < 12; i++) await world.register()
  await world.run(2 * minute)
  expect(world.endpoint().state).toBe('failing')
  world.step(-3 * hour)
  const from = world.sent.length
  await world.run(6 * minute)
  expect(world.sent.length).toBeGreaterThan(from)
})

it('an endpoint that asked to be left alone is left alone for no longer', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(503, '600')
  const one = await world.register()
  await world.run(second)
  world.receiver.answer = () => accepted
  world.step(-3 * hour)
  await world.run(9 * minute)
  expect(world.sent).toHaveLength(1)
  await world.run(2 * minute)
  expect(world.deliveries(one).at(0)).toMatchObject({ type: 'task.encoding', state: 'delivered' })
})

it('a stall and a loss are told in time', async () => {
  const world = openWorld()
  const failing = await world.register({ statusUrl: null })
  const unknown = await world.register()
  await world.run(second)
  world.statuses.set(unknown.taskToken, null)
  await world.run(minute)
  world.step(-2 * hour)
  await world.run(10 * minute)
  expect(world.deliveries(unknown).at(-1)).toMatchObject({ type: 'task.lost' })
  world.upstream.answer = () => ({ kind: 'failed', reason: 'timeout' })
  await world.run(minute)
  world.step(-2 * hour)
  await world.run(3 * minute)
  expect(world.deliveries(failing).at(-1)).toMatchObject({ type: 'task.stalled' })
})

it('what is behind a tried head that is due already waits no longer than before', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  const one = await world.register()
  await world.run(second)
  await patchEndpoint(world, { paused: true })
  await world.run(90 * minute)
  await world.change(one.taskToken, { status: 'saving' })
  await world.change(one.taskToken, { status: 'completed' })
  await world.run(30 * minute)
  world.receiver.answer = () => accepted
  world.step(-hour)
  await world.run(second)
  await patchEndpoint(world, { paused: false })
  await world.run(minute)
  expect(world.deliveries(one).map(({ state }) => state)).toEqual(['delivered', 'delivered', 'delivered'])
})

it('what was due before goes before what would have been by then', async () => {
  const world = openWorld()
  const one = await world.register()
  // Polled on, so that the step is noticed.
  await world.register({ events: ['task.failed'] })
  await world.run(second)
  await patchEndpoint(world, { paused: true })
  await world.change(one.taskToken, { status: 'saving' })
  await world.run(30 * second)
  await world.change(one.taskToken, { status: 'completed' })
  await world.run(minute)
  world.step(-100 * second)
  await world.run(minute)
  await patchEndpoint(world, { paused: false })
  await world.run(2 * minute)
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3])
})

it('what a paused subscription holds stays held, also at the end of a pause of its endpoint', async () => {
  const world = openWorld()
  const { id } = await world.register()
  await world.after(world.relay().commands.updateSubscription(world.ownerId, id, { state: 'paused' }))
  await world.run(minute)
  world.step(-hour)
  await world.run(second)
  await patchEndpoint(world, { paused: true })
  await patchEndpoint(world, { paused: false })
  await world.run(minute)
  expect(world.sent).toEqual([])
})

it.each([
  ['retryAfterUntil', 'asked to be left alone', () => rejected(503, '7200')],
  ['lastSuccessAt', 'took what it was sent', () => accepted],
] as const)('%s of an endpoint that %s is set back on disk too', async (at, _what, answer) => {
  const world = openWorld()
  world.receiver.answer = answer
  await world.register({ events: ['task.encoding'] })
  await world.run(hour)
  const before = world.endpoint()[at]!
  world.step(at === 'lastSuccessAt' ? -2 * hour : -30 * minute)
  await world.run(minute)
  world.crash()
  world.start()
  expect(before - world.endpoint()[at]!).toBeGreaterThan(29 * minute)
})
