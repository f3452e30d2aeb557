/** What memory knows of an endpoint: how much it takes at once, when it last accepted something, and when that is forgotten. */
import { expect, it, vi } from 'vitest'
import {
  accepted,
  completeTasks,
  type EngineWorld,
  hour,
  minute,
  never,
  openWorld,
  patchEndpoint,
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
    if (changed) await patchEndpoint(world, { maxConcurrency: 64 })
    await world.run(quietMs)
    expect(world.deliveries(waiting!)[0]).toMatchObject({ state: 'pending', attempts: 1 })
    expect(await takesWhenItHangs(world)).toBe(8)
  },
)

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
  const { lastSuccessAt } = world.endpoint()
  world.receiver.answer = () => never()
  await world.change(one.taskToken, { status: 'completed' })
  expect(world.sent).toHaveLength(3)
  await patchEndpoint(world, { maxConcurrency: 9 })
  expect(world.endpoint()).toMatchObject({ lastSuccessAt })
})

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

it('an endpoint with a rate is forgotten once that allows the next', async () => {
  const world = openWorld()
  await completeTasks(world, 1)
  await world.run(second)
  await patchEndpoint(world, { maxPerSecond: 0.1 })
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
