/** CONTRACT §3: what cannot be asked for is told as stalled, and as resumed; time in which the relay was down does not count. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { breakUpstream, failed, statusUrl } from './upstream.ts'
import { apiOrigin, hour, masterOrigin, minute, openWorld, second, types } from './world.ts'

it('an outage of 5 × the longest wait is told as stalled, its end as resumed', async () => {
  const world = openWorld()
  let broken = false
  breakUpstream(world, () => (broken ? failed('network') : null))
  await world.register()
  await world.run(10 * second)
  broken = true
  const from = world.elapsed()
  await world.run(20 * minute)
  expect(types(world)).toEqual(['task.encoding', 'task.stalled'])
  const stalledAt = world.sent[1]!.at
  const firstFailed = world.calls.find(({ at }) => at >= from)!.at
  expect(stalledAt - firstFailed).toBeGreaterThanOrEqual(150 * second)
  broken = false
  await world.run(2 * minute)
  expect(types(world)).toEqual(['task.encoding', 'task.stalled', 'task.resumed'])
})

it.each([
  [['*'], ['task.stalled', 'task.resumed']],
  [
    ['task.stalled', 'task.resumed'],
    ['task.stalled', 'task.resumed'],
  ],
  [['task.encoding'], ['task.encoding']],
])('an outage before the first event of %j is told to its end', async (events, told) => {
  const world = openWorld()
  let broken = false
  breakUpstream(world, () => (broken ? failed('network') : null))
  const earlier = await world.register()
  await world.run(10 * second)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, earlier.id))
  broken = true
  const made = await world.register({ taskToken: earlier.taskToken, events })
  await world.run(20 * minute)
  broken = false
  await world.run(2 * minute)
  const sent = world.sent.filter(({ subscriptionId }) => subscriptionId === made.id)
  expect(sent.map(({ type }) => type)).toEqual(told)
  expect(new Set(sent.map(({ id }) => id)).size).toBe(told.length)
})

it.for([5, 10, 15, 20, 30])(
  'an outage of calls that time out is told as stalled, polled every %i s at most',
  async (seconds) => {
    const world = openWorld({ POLLHOOK_POLL_INTERVAL: '5s', POLLHOOK_POLL_INTERVAL_MAX: `${seconds}s` })
    const one = await world.register({ statusUrl })
    await world.run(5 * second)
    world.upstream.answer = () => world.later(20 * second, failed('timeout'))
    await world.run(6 * minute)
    expect(world.deliveries(one).at(-1)?.type).toBe('task.stalled')
  },
)

it('a task that was given up while it stalled stalls again for who comes next', async () => {
  const world = openWorld()
  breakUpstream(world, () => failed('network'))
  const earlier = await world.register()
  await world.run(20 * minute)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, earlier.id))
  await world.run(hour)
  const made = await world.register({ taskToken: earlier.taskToken })
  await world.run(20 * minute)
  const sent = world.sent.filter(({ subscriptionId }) => subscriptionId === made.id)
  expect(sent.map(({ type }) => type)).toEqual(['task.stalled'])
})

it('time in which the relay itself was down makes no stall', async () => {
  const world = openWorld()
  let broken = false
  breakUpstream(world, () => (broken ? failed('network') : null))
  await world.register()
  await world.run(10 * second)
  broken = true
  await world.run(minute)
  world.crash()
  await world.run(hour)
  world.start()
  await world.run(minute)
  expect(types(world)).toEqual(['task.encoding'])
  broken = false
  await world.run(2 * minute)
  expect(types(world)).not.toContain('task.stalled')
})

it('a stall is not counted over the time the relay was down, however short the waits are', async () => {
  const world = openWorld({ POLLHOOK_POLL_INTERVAL: '5s', POLLHOOK_POLL_INTERVAL_MAX: '5s' })
  const one = await world.register()
  await world.run(6 * second)
  breakUpstream(world, () => failed('network'))
  await world.run(15 * second)
  world.crash()
  await world.run(40 * second)
  world.start()
  await world.run(6 * second)
  expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding'])
  await world.run(30 * second)
  expect(world.deliveries(one).at(-1)?.type).toBe('task.stalled')
})

it('a call that the end of the relay cuts off is no failure of upstream, and what is answered still counts', async () => {
  const world = openWorld()
  const calls = new Map<string, (answer: StatusAnswer) => void>()
  world.upstream.answer = (origin) => new Promise((resolve) => calls.set(origin, resolve))
  const cut = await world.register({ statusUrl })
  const answered = await world.register()
  await world.run(second)
  const relay = world.relay()
  const stopped = relay.stop()
  relay.cutOff()
  const statuses = new Map([[answered.taskToken, { status: 'encoding' }]])
  calls.get(apiOrigin)!({ kind: 'statuses', statuses })
  calls.get(masterOrigin)!(failed('network'))
  // Its fallback in the same pass.
  await world.run(second)
  calls.get(apiOrigin)!(failed('network'))
  await world.after(stopped)
  expect(relay.store.watchesOf([cut.taskToken]).get(cut.taskToken)?.failingSince).toBeNull()
  expect(world.db.all(sql`select value from meta where key = 'upstream_failure_seen_at'`)).toEqual([])
  expect(relay.store.watchesOf([answered.taskToken]).get(answered.taskToken)?.status).toBe('encoding')
})
