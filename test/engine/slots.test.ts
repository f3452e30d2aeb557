/** CONTRACT §4.5: what hangs leaves slots to the others, be they endpoints, owners or subscriptions of the same endpoint. */
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import {
  accepted,
  completeTasks,
  hour,
  minute,
  never,
  newToken,
  openWorld,
  rejected,
  second,
  timedOut,
} from './world.ts'

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

it('more attempts at an endpoint may hang than are read ahead, and it is probed beside them', async () => {
  const world = openWorld({ POLLHOOK_DELIVERY_CONCURRENCY: '700', POLLHOOK_ENDPOINT_CONCURRENCY: '600' })
  const hanging: ((outcome: Outcome) => void)[] = []
  world.receiver.answer = () =>
    world.sent.length <= 1_000
      ? world.later(10, accepted)
      : new Promise<Outcome>((resolve) => hanging.push(resolve))
  await completeTasks(world, 2_000)
  await world.run(10 * second)
  expect(world.sent).toHaveLength(1_600)
  for (const answer of hanging.splice(0, 10)) answer(rejected(500))
  await world.run(minute)
  expect(world.endpoint()).toMatchObject({ state: 'failing' })
  expect(world.sent).toHaveLength(1_601)
})
