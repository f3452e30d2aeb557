/** CONTRACT §4.5: a sick endpoint does not hurt the others, and recovers at once. */
import { sql } from 'drizzle-orm'
import { expect, it, vi } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import {
  accepted,
  completeTasks,
  type EngineWorld,
  hour,
  minute,
  never,
  newToken,
  openWorld,
  rejected,
  second,
  timedOut,
} from './world.ts'

async function takesWhenItHangs(world: EngineWorld): Promise<number> {
  world.receiver.answer = () => never()
  world.sent.length = 0
  await completeTasks(world, 60)
  await world.run(second)
  return world.sent.length
}

it('the circuit opens at the tenth failure in a row, not before', async () => {
  const world = openWorld({ POLLHOOK_ENDPOINT_CONCURRENCY: '1' })
  world.receiver.answer = () => rejected(500)
  await completeTasks(world, 9)
  await world.run(second)
  expect(world.sent).toHaveLength(9)
  expect(world.endpoint()).toMatchObject({ state: 'healthy' })
  await completeTasks(world, 5)
  await world.run(second)
  expect(world.sent).toHaveLength(10)
  expect(world.endpoint()).toMatchObject({ state: 'failing' })
  expect(world.endpoint().failingSince).not.toBeNull()
})

it('an answer that is no failure resets the count', async () => {
  const world = openWorld({ POLLHOOK_ENDPOINT_CONCURRENCY: '1' })
  let answered = 0
  world.receiver.answer = () => rejected(++answered === 10 ? 404 : 500)
  await completeTasks(world, 15)
  await world.run(second)
  expect(world.sent).toHaveLength(15)
  expect(world.endpoint()).toMatchObject({ state: 'healthy' })
})

it('while it is open one probe at a time goes out, at most 5 min apart, and the others use no attempts', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 40)
  await world.run(2 * hour)
  const probes = world.sent.slice(-20)
  const waits = probes.slice(1).map(({ at }, i) => at - probes[i]!.at)
  expect(Math.max(...waits)).toBeLessThanOrEqual(5 * minute + second)
  expect(Math.min(...waits)).toBeGreaterThan(4 * minute)
  const used = made.map((one) => world.deliveries(one)[0]!.attempts)
  expect(used.reduce((sum, n) => sum + n, 0)).toBe(world.sent.length)
  expect(world.endpoint().backlog).toBe(40)
})

it('the first success makes all that waits due, within the concurrency of the endpoint', async () => {
  const world = openWorld({ POLLHOOK_ENDPOINT_CONCURRENCY: '4' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 60)
  await world.run(20 * minute)
  expect(world.endpoint()).toMatchObject({ state: 'failing' })
  let open = 0
  let most = 0
  world.receiver.answer = async () => {
    open++
    most = Math.max(most, open)
    await new Promise<void>((resolve) => setImmediate(resolve))
    open--
    return accepted
  }
  await world.run(6 * minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
  expect(most).toBeLessThanOrEqual(4)
  const recovered = world.sent.slice(-59)
  expect(recovered.at(-1)!.at - recovered[0]!.at).toBeLessThan(second)
  expect(world.endpoint()).toMatchObject({ state: 'healthy', backlog: 0 })
})

it('max_per_second holds when all is made due at once', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  await completeTasks(world, 40)
  await world.run(minute)
  const { commands } = world.relay()
  await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, { maxPerSecond: 2 }))
  world.receiver.answer = () => accepted
  while (world.endpoint().state === 'failing') await world.run(second)
  const from = world.elapsed()
  await world.run(10 * second)
  const sent = world.sent.filter(({ at }) => at >= from).length
  expect(sent).toBeGreaterThan(0)
  expect(sent).toBeLessThanOrEqual(21)
})

it.each([0.5, 1, 3, 10, 100])(
  'no second has more than %d attempts, and hardly any has less',
  async (rate) => {
    const world = openWorld()
    const seconds = 10
    await completeTasks(world, 1)
    await world.run(minute)
    const { commands } = world.relay()
    const { id } = world.endpoint()
    await world.after(commands.updateEndpoint(world.ownerId, id, { maxPerSecond: rate, paused: true }))
    await completeTasks(world, Math.ceil(rate * seconds * 2))
    await world.run(minute)
    world.sent.length = 0
    await world.after(commands.updateEndpoint(world.ownerId, id, { paused: false }))
    await world.run(seconds * second)
    const starts = world.sent.map(({ at }) => at)
    const within = (from: number) => starts.filter((at) => at >= from && at < from + second).length
    expect(Math.max(...starts.map(within))).toBeLessThanOrEqual(Math.max(1, rate))
    expect(starts.length).toBeGreaterThanOrEqual(Math.floor(rate * seconds * 0.95))
  },
)

it.for([
  { slots: 8, hanging: 1 },
  { slots: 32, hanging: 4 },
])('$hanging endpoints that hang leave some of $slots slots to the others', async ({ slots, hanging }) => {
  const world = openWorld({ POLLHOOK_DELIVERY_CONCURRENCY: String(slots) })
  world.receiver.answer = ({ url }) => (url.includes('hangs') ? world.later(15 * second, timedOut) : accepted)
  for (let n = 0; n < 20 * hanging; n++)
    await world.register({ callbackUrl: `https://hangs-${n % hanging}.example.com/${n}` })
  await world.run(6 * second)
  expect(world.sent.length).toBeGreaterThan(0)
  world.sent.length = 0
  const healthy = await world.register()
  await world.run(7 * second)
  expect(world.sent).toMatchObject([{ subscriptionId: healthy.id }])
})

it('what its endpoint keeps waiting for longer than the whole schedule is exhausted, with that reason', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 30)
  await world.run(hour)
  const ends = made.map((one) => world.deliveries(one)[0]!)
  expect(ends.every(({ state, finishedAt }) => state === 'exhausted' && finishedAt !== null)).toBe(true)
  expect(ends.some(({ stateReason }) => stateReason === 'endpoint_unavailable')).toBe(true)
})

it('nothing is given up while a probe is under way, whose success is the end of it', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 12)
  await world.run(6 * minute)
  expect(world.endpoint().state).toBe('failing')
  let answer: (outcome: typeof accepted) => void = () => {}
  world.receiver.answer = () => new Promise((resolve) => (answer = resolve))
  await world.run(10 * minute)
  world.receiver.answer = () => accepted
  answer(accepted)
  await world.run(minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it('a relay that was down longer than the whole schedule asks once more before it gives anything up', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 12)
  await world.run(2 * minute)
  expect(world.endpoint().state).toBe('failing')
  world.crash()
  await world.run(hour)
  world.receiver.answer = () => accepted
  world.start()
  await world.run(minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it.each([
  ['', 0],
  [', also after its clock was set back', -2 * hour],
])('a relay whose machine slept as long asks once more as well%s', async (_also, byMs) => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 12)
  await world.run(2 * minute)
  expect(world.endpoint().state).toBe('failing')
  world.step(byMs)
  await completeTasks(world, 1)
  await world.run(second)
  world.step(hour)
  world.receiver.answer = () => accepted
  await world.run(6 * minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it.each([
  ['nothing is planned', accepted],
  ['something is planned for hours later', rejected(503, '18000')],
])('so does one that slept while a probe was under way and %s', async (_what, elsewhere) => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m' })
  world.receiver.answer = ({ url }) => (url.startsWith('https://other.') ? elsewhere : timedOut)
  await completeTasks(world, 1, 'https://other.example.com/')
  const made = await completeTasks(world, 12)
  await world.run(2 * minute)
  const answers: ((outcome: typeof timedOut) => void)[] = []
  world.receiver.answer = () => new Promise((resolve) => answers.push(resolve))
  while (answers.length === 0) await world.run(second)
  // Something new for the endpoint: the look at it leaves what comes next to the end of the probe.
  await completeTasks(world, 1)
  await world.run(second)
  world.step(hour)
  world.receiver.answer = () => accepted
  answers[0]!(timedOut)
  await world.run(6 * minute)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it('what an endpoint keeps waiting is given up in time although the clock was ahead at the start', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '10m,10m,10m' })
  await world.run(second)
  world.step(-30 * 24 * hour)
  await world.run(second)
  world.receiver.answer = () => timedOut
  const made = await completeTasks(world, 30)
  await world.run(6 * hour)
  const reasons = made.map((one) => world.deliveries(one)[0]!.stateReason)

  expect(reasons).toContain('endpoint_unavailable')
  expect(reasons).not.toContain(null)
})

it('a rate is used while an attempt hangs', async () => {
  const world = openWorld()
  const one = await world.register()
  await world.run(second)
  const { commands } = world.relay()
  await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, { maxPerSecond: 1 }))
  const other = await world.register()
  await world.run(10 * second)
  world.sent.length = 0
  world.receiver.answer = ({ subscriptionId }) =>
    subscriptionId === one.id ? world.later(15 * second, timedOut) : accepted
  await world.after(commands.sendTest(world.ownerId, one.id))
  await world.run(300)
  await world.after(commands.sendTest(world.ownerId, other.id))
  await world.run(2 * second)
  expect(world.sent.map(({ subscriptionId }) => subscriptionId)).toEqual([one.id, other.id])
})

it('endpoints that hang leave slots for first attempts elsewhere', async () => {
  const world = openWorld({ POLLHOOK_DELIVERY_CONCURRENCY: '32', POLLHOOK_ENDPOINT_CONCURRENCY: '8' })
  world.receiver.answer = ({ url }) => (url.startsWith('https://hang') ? never() : accepted)
  for (const n of [1, 2, 3, 4, 5, 6]) await completeTasks(world, 20, `https://hang-${n}.example.com/`)
  await world.run(second)
  const made = await completeTasks(world, 20)
  await world.run(second)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it('one owner with hundreds of endpoints that hang does not take every place that comes free', async () => {
  const world = openWorld({
    POLLHOOK_API_KEYS: 'acme=key-of-acme-0123456789abcdef,other=key-of-other-0123456789abcd',
    POLLHOOK_DELIVERY_CONCURRENCY: '32',
  })
  world.receiver.answer = ({ url }) =>
    url.startsWith('https://hang') ? world.later(15 * second, timedOut) : accepted
  for (let n = 0; n < 300; n++) await completeTasks(world, 1, `https://hang-${n}.example.com/`)
  await world.run(second)
  world.ownerId = world.relay().owners[1]!.id
  const made = await completeTasks(world, 200)
  await world.run(20 * second)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it('an endpoint takes as many at once as it did a moment ago, and after a minute is tried with a few again', async () => {
  const world = openWorld()
  // Polled, so that the clock is looked at.
  await world.register({ callbackUrl: 'https://elsewhere.example.com/' })
  await world.run(second)
  world.receiver.answer = () => world.later(100, accepted)
  const takesAtOnce = async (count = 60) => {
    world.sent.length = 0
    await completeTasks(world, count)
    await world.run(5 * second)
    expect(world.sent).toHaveLength(count)
    return world.sent.filter(({ at }) => at === world.sent[0]!.at).length
  }
  expect(await takesAtOnce()).toBe(8)
  await world.run(30 * second)
  // One at a time neither proves nor disproves it.
  for (let n = 0; n < 2; n++) await takesAtOnce(1)
  expect(await takesAtOnce()).toBeGreaterThan(20)
  for (let n = 0; n < 20; n++) await takesAtOnce(1)
  expect(await takesAtOnce()).toBe(8)
  world.step(-hour)
  await world.run(2 * minute)
  expect(await takesAtOnce()).toBe(8)
})

it('what an endpoint takes at once is not learnt from one attempt after the other', async () => {
  const world = openWorld()
  for (let n = 0; n < 20; n++) {
    await completeTasks(world, 1)
    await world.run(second)
  }
  expect(await takesWhenItHangs(world)).toBe(8)
})

it.each([
  { took: 'one after the other', bursts: Array(20).fill(1), quietMs: 0 },
  { took: 'many at once, hours ago', bursts: [60], quietMs: 2 * hour },
  { took: 'many at once, hours ago, and was changed since', bursts: [60], quietMs: 2 * hour, changed: true },
])(
  'an endpoint for which something waits and which took $took is given 8 when it hangs',
  async ({ bursts, quietMs, changed }) => {
    const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '10h,10h' })
    const gone = 'https://app.example.com/gone'
    world.receiver.answer = ({ url }) => (url === gone ? rejected(404) : world.later(100, accepted))
    const [waiting] = await completeTasks(world, 1, gone)
    for (const count of bursts) {
      await completeTasks(world, count)
      await world.run(5 * second)
    }
    const { commands } = world.relay()
    if (changed)
      await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, { maxConcurrency: 64 }))
    await world.run(quietMs)
    expect(world.deliveries(waiting!)[0]).toMatchObject({ state: 'pending', attempts: 1 })
    expect(await takesWhenItHangs(world)).toBe(8)
  },
)

it('an endpoint that fails is forgotten once nothing waits for it', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1s', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1s' })
  world.receiver.answer = () => rejected(500)
  await completeTasks(world, 10)
  await world.run(hour)
  expect(world.endpoint()).toMatchObject({ state: 'failing', backlog: 0 })
  const read = vi.spyOn(world.relay().store, 'endpointState')
  await completeTasks(world, 1)
  await world.run(second)
  expect(read).toHaveBeenCalled()
})

it('what Retry-After keeps waiting is given up in time, however long that is', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '30m,30m' })
  world.receiver.answer = () => rejected(429, `${10 * 3600}`)
  const [, behind] = await completeTasks(world, 2)
  await world.run(second)
  expect(world.deliveries(behind!)[0]).toMatchObject({ state: 'pending' })
  const [later] = await completeTasks(world, 1)
  await world.run(hour + minute)
  expect(world.deliveries(later!)[0]).toMatchObject({
    state: 'exhausted',
    stateReason: 'endpoint_unavailable',
    attempts: 0,
  })
})

it('an endpoint with a rate is forgotten once that allows the next', async () => {
  const world = openWorld()
  await completeTasks(world, 1)
  await world.run(second)
  await world.after(
    world.relay().commands.updateEndpoint(world.ownerId, world.endpoint().id, { maxPerSecond: 0.1 }),
  )
  await completeTasks(world, 1)
  await world.run(second)
  const { store } = world.relay()
  const read = vi.spyOn(store, 'endpointState')
  const looked = vi.spyOn(store, 'dueTests')
  await completeTasks(world, 1)
  await world.run(12 * second)
  expect(world.sent).toHaveLength(3)
  expect(read).not.toHaveBeenCalled()
  looked.mockClear()
  await world.run(minute)
  expect(looked).toHaveBeenCalledOnce()
  await completeTasks(world, 1)
  await world.run(second)
  expect(read).toHaveBeenCalledOnce()
})

it('few free slots when an endpoint is looked at say nothing of what it takes', async () => {
  const world = openWorld({ POLLHOOK_DELIVERY_CONCURRENCY: '80' })
  world.receiver.answer = ({ url }) => world.later(url.includes('slow') ? 3 * second : 100, accepted)
  await completeTasks(world, 60)
  await world.run(10 * second)
  for (let n = 0; n < 10; n++) await completeTasks(world, 10, `https://slow-${n}.example.com/`)
  await world.run(second)
  await completeTasks(world, 1)
  await world.run(15 * second)
  world.sent.length = 0
  await completeTasks(world, 60)
  await world.run(second)
  expect(world.sent.filter(({ at }) => at === world.sent[0]!.at).length).toBe(10)
})

it.each([
  { failing: 1, next: 8 },
  { failing: 3, next: 1 },
])(
  'one that took many at once and has failed $failing events since is tried with $next',
  async ({ failing, next }) => {
    const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1s', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1s' })
    world.receiver.answer = () => world.later(100, accepted)
    await completeTasks(world, 60)
    await world.run(2 * second)
    world.receiver.answer = () => timedOut
    const made = await completeTasks(world, failing)
    await world.run(3 * second)
    expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(Array(failing).fill('exhausted'))
    world.receiver.answer = () => world.later(100, accepted)
    world.sent.length = 0
    await completeTasks(world, 30)
    await world.run(second)
    expect(world.sent.filter(({ at }) => at === world.sent[0]!.at)).toHaveLength(next)
  },
)

it('one that took many at once and failed twice at the end of it takes a quarter of that the next time', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1s,1s', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1s,1s' })
  const refused = await world.register()
  world.receiver.answer = ({ subscriptionId }) =>
    subscriptionId === refused.id ? timedOut : world.later(100, accepted)
  await completeTasks(world, 60)
  await world.run(10 * second)
  expect(world.deliveries(refused)[0]!.state).toBe('exhausted')
  world.sent.length = 0
  await completeTasks(world, 60)
  await world.run(second)
  expect(world.sent.filter(({ at }) => at === world.sent[0]!.at)).toHaveLength(5)
})

it('a paused endpoint holds what is made for it and exhausts nothing', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1s', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1s' })
  const [first] = await completeTasks(world, 1)
  await world.run(second)
  const { commands } = world.relay()
  const { id } = world.endpoint()
  await world.after(commands.updateEndpoint(world.ownerId, id, { paused: true }))
  const [held] = await completeTasks(world, 1)
  await world.run(12 * hour)
  expect(world.sent).toHaveLength(1)
  expect(world.deliveries(held!)[0]).toMatchObject({ state: 'pending', attempts: 0 })
  await world.after(commands.updateEndpoint(world.ownerId, id, { paused: false }))
  await world.run(second)
  expect(world.deliveries(held!)[0]).toMatchObject({ state: 'delivered' })
  expect(world.deliveries(first!)[0]).toMatchObject({ state: 'delivered' })
})

it('what was behind a failure when an endpoint was paused is tried when the pause is over', async () => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1m,10m', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1m' })
  const { commands } = world.relay()
  world.receiver.answer = () => rejected(500)
  const token = newToken()
  world.statuses.set(token, { status: 'encoding' })
  const made = await world.register({ taskToken: token })
  const others = await completeTasks(world, 10)
  await world.run(2 * second)
  expect(world.endpoint().state).toBe('failing')
  for (const other of others) await world.after(commands.cancelSubscription(world.ownerId, other.id))
  await world.change(token, { status: 'completed' })
  const { id } = world.endpoint()
  await world.after(commands.updateEndpoint(world.ownerId, id, { paused: true }))
  await world.run(hour)
  await world.after(commands.updateEndpoint(world.ownerId, id, { paused: false }))
  await world.run(6 * minute)
  const states = () => world.deliveries(made).map(({ state }) => state)
  expect(states()).toEqual(['exhausted', 'pending'])
  world.receiver.answer = () => accepted
  await world.run(5 * minute)
  expect(states()).toEqual(['exhausted', 'delivered'])
})

it('the end of a pause writes what waits for another try, and nothing else of the backlog', async () => {
  const world = openWorld()
  const { commands, store } = world.relay()
  const { id: first } = (await completeTasks(world, 1))[0]!
  await world.run(second)
  const { id } = world.endpoint()
  await world.after(commands.updateEndpoint(world.ownerId, id, { paused: true }))
  await completeTasks(world, 20)
  await world.run(second)
  const written = () => world.db.all<{ n: number }>(sql`select total_changes() as n`)[0]!.n
  const before = written()
  store.updateEndpoint(world.ownerId, id, { paused: false }, Date.now())
  expect(written() - before).toBe(1)
  expect(world.subscription(first).state).toBe('completed')
})

it('hundreds of events behind one that hangs do not hold up the other subscriptions of its endpoint', async () => {
  const world = openWorld({ POLLHOOK_POLL_INTERVAL_MAX: '5s' })
  const slow = newToken()
  world.receiver.answer = ({ request }) => (request.body.includes(slow) ? never() : accepted)
  let polls = 0
  world.upstream.answer = (_origin, tokens) => ({
    kind: 'statuses',
    statuses: new Map(
      tokens.map((token) => [token, { status: token === slow ? `s${polls++}` : 'encoding' }]),
    ),
  })
  await world.register({ taskToken: slow })
  await world.run(hour)
  const behind = world.relay().store.endpoint(world.ownerId, world.endpoint().id, 0)?.backlog
  expect(behind).toBeGreaterThan(300)
  const other = await world.register()
  await world.run(10 * second)
  expect(world.sent.filter(({ request }) => request.body.includes(slow))).toHaveLength(1)
  expect(world.deliveries(other)).toMatchObject([{ type: 'task.encoding', state: 'delivered' }])
})

it('a full disk stops new attempts before what cannot be settled grows without bound', async () => {
  let full = true
  const world = openWorld(
    { POLLHOOK_DELIVERY_CONCURRENCY: '16', POLLHOOK_ENDPOINT_CONCURRENCY: '16' },
    {
      wrapStore: (store) => ({
        ...store,
        settleDeliveries(...settled) {
          if (full) throw new Error('database or disk is full')
          return store.settleDeliveries(...settled)
        },
      }),
    },
  )
  await completeTasks(world, 1500)
  await world.run(10 * second)
  const sent = world.sent.length
  expect(sent).toBeLessThan(1100)
  await world.run(minute)
  expect(world.sent).toHaveLength(sent)
  full = false
  await world.run(minute)
  const states = world.db.all(sql`select state, count(*) as n from deliveries group by state`)
  expect(states).toEqual([{ state: 'delivered', n: 1500 }])
  expect(world.sent).toHaveLength(1500)
})

it('an endpoint that the disk fails is looked at again by itself, and the others have their turn', async () => {
  let broken = true
  let first: number | undefined
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        dueDeliveries(ids, now) {
          first ??= ids[0]
          if (broken && ids[0] === first) throw new Error('disk I/O error')
          return store.dueDeliveries(ids, now)
        },
      }),
    },
  )
  const [sick] = await completeTasks(world, 1)
  await world.run(second)
  const [well] = await completeTasks(world, 1, 'https://well.example.com/hook')
  await world.run(10 * second)
  expect(world.deliveries(sick!)).toMatchObject([{ state: 'pending', attempts: 0 }])
  expect(world.deliveries(well!)).toMatchObject([{ state: 'delivered' }])
  broken = false
  await world.run(2 * second)
  expect(world.deliveries(sick!)).toMatchObject([{ state: 'delivered' }])
})

it('the last success of an endpoint is the last one, also while it is not written', async () => {
  const world = openWorld()
  const one = await world.register()
  await world.run(10 * second)
  const first = world.endpoint().lastSuccessAt!
  await world.change(one.taskToken, { status: 'saving' })
  const { lastSuccessAt } = world.endpoint()
  expect(lastSuccessAt! - first).toBe(world.sent.at(-1)!.at - world.sent[0]!.at)
  // Long after its lane was forgotten.
  await world.run(10 * second)
  expect(world.endpoint()).toMatchObject({ lastSuccessAt })
  world.receiver.answer = () => rejected(500)
  await world.change(one.taskToken, { status: 'completed' })
  expect(world.sent.at(-1)?.type).toBe('task.completed')
  expect(world.endpoint()).toMatchObject({ lastSuccessAt })
})

it('a change of its settings forgets none of it while an attempt is under way', async () => {
  const world = openWorld()
  const one = await world.register()
  await world.run(10 * second)
  await world.change(one.taskToken, { status: 'saving' })
  const { id, lastSuccessAt } = world.endpoint()
  world.receiver.answer = () => never()
  await world.change(one.taskToken, { status: 'completed' })
  expect(world.sent).toHaveLength(3)
  await world.after(world.relay().commands.updateEndpoint(world.ownerId, id, { maxConcurrency: 9 }))
  expect(world.endpoint()).toMatchObject({ lastSuccessAt })
})

it.each([
  ['at the first success', () => {}],
  [
    'at the first success after a restart',
    (world: EngineWorld) => {
      world.crash()
      world.start()
    },
  ],
])('an outage that ends with a refusal ends all the same %s', async (_when, meanwhile) => {
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '1h,2h,5h' })
  world.receiver.answer = () => rejected(500)
  const made = await completeTasks(world, 40)
  await world.run(2 * minute)
  expect(world.endpoint().state).toBe('failing')
  world.receiver.answer = () => rejected(404)
  while (world.endpoint().state === 'failing') await world.run(second)
  await world.run(minute)
  meanwhile(world)
  world.receiver.answer = () => accepted
  await completeTasks(world, 1)
  await world.run(second)
  expect(made.map((one) => world.deliveries(one)[0]!.state)).toEqual(made.map(() => 'delivered'))
})

it('what fails after the success that ended an outage waits, also if they end together', async () => {
  const world = openWorld()
  // It may have more than a few under way after that.
  world.receiver.answer = () => world.later(100, accepted)
  await completeTasks(world, 60)
  await world.run(second)
  const answers: ((outcome: Outcome) => void)[] = []
  world.receiver.answer = () => new Promise((resolve) => answers.push(resolve))
  world.sent.length = 0
  await completeTasks(world, 18)
  await world.run(second)
  const ids = world.sent.map(({ id }) => id)
  expect(ids).toHaveLength(18)
  const outcomes = [...Array(12).fill(rejected(500)), accepted, ...Array(5).fill(rejected(500))] as Outcome[]
  world.receiver.answer = () => accepted
  for (const [i, outcome] of outcomes.entries()) answers[i]!(outcome)
  await world.run(second)
  expect(
    world.sent
      .slice(18)
      .map(({ id }) => ids.indexOf(id))
      .sort((a, b) => a - b),
  ).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
})

it('a test goes before what waits also while another one hangs', async () => {
  const world = openWorld()
  const one = await world.register()
  const other = await world.register()
  await world.run(second)
  const { commands } = world.relay()
  await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, { maxPerSecond: 1 }))
  await completeTasks(world, 30)
  await world.run(5 * second)
  world.sent.length = 0
  world.receiver.answer = ({ subscriptionId }) =>
    subscriptionId === one.id ? world.later(15 * second, timedOut) : accepted
  await world.after(commands.sendTest(world.ownerId, one.id))
  await world.run(1_100)
  await world.after(commands.sendTest(world.ownerId, other.id))
  await world.run(2 * second)
  const tests = world.sent.flatMap(({ type }, i) => (type === 'pollhook.test' ? [i] : []))
  expect(tests).toHaveLength(2)
  expect(tests[1]! - tests[0]!).toBeLessThanOrEqual(2)
})

it('the retry of a test at an open circuit waits for no probe that hangs', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  const [one] = await completeTasks(world, 20)
  await world.run(minute)
  expect(world.endpoint().state).toBe('failing')
  world.receiver.answer = ({ type }) =>
    type === 'pollhook.test' ? rejected(500) : world.later(15 * second, timedOut)
  const before = world.sent.length
  while (world.sent.length === before) await world.run(second)
  await world.after(world.relay().commands.sendTest(world.ownerId, world.deliveries(one!)[0]!.subscriptionId))
  await world.run(7 * second)
  expect(world.sent.slice(before).map(({ type }) => type)).toEqual([
    'task.completed',
    'pollhook.test',
    'pollhook.test',
  ])
})

it('nor for the next probe, and no test goes beyond the limits of its endpoint', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(500)
  const made = await completeTasks(world, 20)
  await world.run(10 * minute)
  let before = world.sent.length
  while (world.sent.length === before) await world.run(second)
  before = world.sent.length
  const { commands } = world.relay()
  await world.after(commands.sendTest(world.ownerId, made[0]!.id))
  await world.run(7 * second)
  const since = () => world.sent.slice(before).map(({ type }) => type)
  expect(since()).toEqual(Array(2).fill('pollhook.test'))
  await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, { maxConcurrency: 1 }))
  world.receiver.answer = () => never()
  for (const { id } of made.slice(1, 4)) await world.after(commands.sendTest(world.ownerId, id))
  await world.run(second)
  expect(since()).toEqual(Array(3).fill('pollhook.test'))
  const limits = { maxConcurrency: 4, maxPerSecond: 0.5 }
  await world.after(commands.updateEndpoint(world.ownerId, world.endpoint().id, limits))
  await world.run(second)
  expect(since()).toEqual(Array(4).fill('pollhook.test'))
  await world.run(2 * second)
  expect(since()).toEqual(Array(5).fill('pollhook.test'))
})
