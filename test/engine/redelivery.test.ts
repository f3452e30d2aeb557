/** CONTRACT §4.8, tests, pauses and changes of a subscription while something waits for it. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import { createNodeSigner } from '../../src/net/node/signer.ts'
import type { DeliveryDetail } from '../../src/store/records.ts'
import {
  accepted,
  type EngineWorld,
  hour,
  minute,
  never,
  openWorld,
  registered,
  rejected,
  second,
  timedOut,
} from './world.ts'

const redeliver = (world: EngineWorld, { id }: DeliveryDetail) =>
  world.after(world.relay().commands.redeliver(world.ownerId, id))

it('a delivered one is sent again under the same id with the same bytes, and the log goes on', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'completed')
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(second)
  const [first, again] = world.sent
  expect(again).toMatchObject({ id: first!.id })
  expect(again!.request.body).toBe(first!.request.body)
  expect(world.deliveries(made)).toMatchObject([
    { state: 'delivered', attempts: 2, attemptLog: [{ attempt: 1 }, { attempt: 2 }] },
  ])
})

it('one that was ever accepted ends delivered whatever the repeat meets', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'encoding')
  world.receiver.answer = () => rejected(400)
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(10 * minute)
  expect(world.sent).toHaveLength(4)
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 4 }])
})

it('an exhausted one becomes pending with a fresh schedule', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(400)
  const { made } = await registered(world, 'encoding')
  await world.run(5 * minute)
  expect(world.deliveries(made)).toMatchObject([{ state: 'exhausted', attempts: 3 }])
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(2 * second)
  expect(world.deliveries(made)).toMatchObject([{ state: 'pending', attempts: 4 }])
  await world.run(5 * minute)
  expect(world.deliveries(made)).toMatchObject([{ state: 'exhausted', attempts: 6 }])
})

it('a pending one becomes due now and replaces its retry', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  const { made } = await registered(world, 'completed')
  world.receiver.answer = () => accepted
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(second)
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 2 }])
  await world.run(2 * minute)
  expect(world.sent).toHaveLength(2)
})

it('it goes out next, is never superseded, and one at a time still holds', async () => {
  const world = openWorld()
  const { made, token } = await registered(world, 'encoding')
  await world.change(token, { status: 'encoding', percent: 10 })
  await world.run(second)
  const progress = world.deliveries(made)[1]!
  let answer: ((outcome: Outcome) => void) | undefined
  world.receiver.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  await world.change(token, { status: 'saving', percent: 100 })
  await world.run(second)
  await redeliver(world, progress)
  await world.change(token, { status: 'completed', percent: 100 })
  await world.run(second)
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3])
  world.receiver.answer = () => accepted
  answer!(accepted)
  await world.run(second)
  expect(world.sent.map(({ seq }) => seq)).toEqual([1, 2, 3, 2, 4])
})

it('a cancelled one, or one of a cancelled subscription, is refused', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'encoding')
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, made.id))
  expect(await redeliver(world, world.deliveries(made)[0]!)).toMatchObject({ kind: 'conflict' })
})

it('by filter: counts without sending on a dry run, and leaves out progress that has a newer event', async () => {
  const world = openWorld()
  world.receiver.answer = () => rejected(400)
  const { made, token } = await registered(world, 'encoding')
  await world.change(token, { status: 'encoding', percent: 50 })
  await world.run(2 * minute)
  await world.change(token, { status: 'completed' })
  await world.run(30 * hour)
  const states = world.deliveries(made).map(({ type, state }) => `${type} ${state}`)
  expect(states).toEqual(['task.encoding exhausted', 'task.progress exhausted', 'task.completed exhausted'])
  const { commands } = world.relay()
  const filter = { state: 'exhausted', dryRun: true } as const
  expect(await world.after(commands.redeliverMany(world.ownerId, filter))).toEqual({ count: 2 })
  const before = world.sent.length
  await world.run(minute)
  expect(world.sent).toHaveLength(before)
  world.receiver.answer = () => accepted
  await world.after(commands.redeliverMany(world.ownerId, { ...filter, dryRun: false }))
  await world.run(second)
  expect(world.sent.slice(before).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
  // What was asked for again is still newer than that progress.
  expect(await world.after(commands.redeliverMany(world.ownerId, filter))).toEqual({ count: 0 })
})

it('a test goes out before what waits, even while the circuit is open, and supersedes nothing', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  const made = []
  for (let n = 0; n < 12; n++) made.push((await registered(world, 'completed')).made)
  expect(world.endpoint()).toMatchObject({ state: 'failing' })
  const before = world.sent.length
  world.receiver.answer = () => rejected(404)
  await world.after(world.relay().commands.sendTest(world.ownerId, made[11]!.id))
  await world.run(second)
  expect(world.sent[before]).toMatchObject({ type: 'pollhook.test', seq: null })
  const types = world.deliveries(made[11]!).map(({ type, state }) => `${type} ${state}`)
  expect(types).toContain('task.completed pending')
})

it('a test goes out before what a rate holds at a healthy endpoint', async () => {
  const world = openWorld()
  const made = []
  for (let n = 0; n < 12; n++) made.push(await registered(world, 'encoding'))
  const { commands } = world.relay()
  const { id } = world.endpoint()
  await world.after(commands.updateEndpoint(world.ownerId, id, { maxPerSecond: 1, paused: true }))
  for (const { token } of made) await world.change(token, { status: 'completed' })
  const before = world.sent.length
  await world.after(commands.updateEndpoint(world.ownerId, id, { paused: false }))
  await world.after(commands.sendTest(world.ownerId, made[11]!.made.id))
  await world.run(3 * second)
  const types = world.sent.slice(before).map(({ type }) => type)
  // The first had gone when the test was asked for.
  expect(types.slice(0, 3)).toEqual(['task.completed', 'pollhook.test', 'task.completed'])
  expect(types.length).toBeLessThan(6)
})

it('a paused subscription is told nothing, loses no status change, and goes on when it is active', async () => {
  const world = openWorld()
  const { made, token } = await registered(world, 'queued')
  const { commands } = world.relay()
  await world.after(commands.updateSubscription(world.ownerId, made.id, { state: 'paused' }))
  for (const percent of [10, 20]) await world.change(token, { status: 'encoding', percent })
  await world.change(token, { status: 'completed' })
  await world.run(12 * hour)
  expect(world.sent).toHaveLength(1)
  expect(world.subscription(made.id).state).toBe('paused')
  await world.after(commands.updateSubscription(world.ownerId, made.id, { state: 'active' }))
  await world.run(second)
  expect(world.sent.map(({ type }) => type)).toEqual(['task.queued', 'task.encoding', 'task.completed'])
  expect(world.subscription(made.id).state).toBe('completed')
})

it('a new callback_url and secret hold for every attempt that starts after the answer', async () => {
  const world = openWorld()
  world.receiver.answer = () => timedOut
  const { made } = await registered(world, 'encoding')
  const secret = `whsec_${Buffer.alloc(24, 9).toString('base64')}`
  const callbackUrl = 'https://new.example.com/hook'
  const patch = { callbackUrl, secret }
  await world.after(world.relay().commands.updateSubscription(world.ownerId, made.id, patch))
  world.receiver.answer = () => accepted
  await world.run(2 * minute)
  expect(world.sent.map(({ url }) => url)).toEqual(['https://app.example.com/hook', callbackUrl])
  const [first, after] = world.sent
  expect(after!.id).toBe(first!.id)
  expect(after!.request.body).toBe(first!.request.body)
  const { headers, body } = after!.request
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  expect(headers['webhook-signature']).toBe(createNodeSigner({}).sign([secret], content))
})

it('no request is started after a DELETE was answered, also none that was already taken', async () => {
  const world = openWorld({ POLLHOOK_ENDPOINT_CONCURRENCY: '1' })
  world.receiver.answer = () => never()
  await registered(world, 'completed')
  const { made } = await registered(world, 'completed')
  expect(world.sent).toHaveLength(1)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, made.id))
  await world.run(hour)
  expect(world.sent.filter(({ subscriptionId }) => subscriptionId === made.id)).toEqual([])
})

it('both secrets sign while a rotation overlaps, only the new one after it', async () => {
  const world = openWorld()
  const { commands } = world.relay()
  const rotated = await world.after(commands.rotateSigningSecret(world.ownerId, 10 * minute))
  const [newest, before] = rotated.map(({ secret }) => secret)
  await registered(world, 'completed')
  await world.run(11 * minute)
  await registered(world, 'completed')
  const signer = createNodeSigner({})
  const signedBy = [[newest!, before!], [newest!]]
  expect(world.sent.map(({ request }) => request.headers['webhook-signature'])).toEqual(
    world.sent.map(({ request: { headers, body } }, i) =>
      signer.sign(signedBy[i]!, `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`),
    ),
  )
})

it('a rotation without overlap holds for an attempt that is being signed', async () => {
  const signer = createNodeSigner({})
  const world: EngineWorld = openWorld(
    {},
    { signer: { sign: async (...given) => world.later(100, await signer.sign(...given)) } },
  )
  await world.register()
  while (world.relay().heldCount() === 0) await world.run(1)
  const { commands } = world.relay()
  const secrets = await commands.rotateSigningSecret(world.ownerId, 0)
  await world.run(second)
  const { headers, body } = world.sent[0]!.request
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const inForce = secrets.map(({ secret }) => secret)
  expect(headers['webhook-signature']).toBe(signer.sign(inForce, content))
})

it('a new callback_url holds for an attempt that is being signed, and the log names it', async () => {
  const signer = createNodeSigner({})
  const world: EngineWorld = openWorld(
    {},
    { signer: { sign: async (...given) => world.later(100, await signer.sign(...given)) } },
  )
  const made = await world.register()
  while (world.relay().heldCount() === 0) await world.run(1)
  const callbackUrl = 'https://new.example.com/hook'
  await world.after(world.relay().commands.updateSubscription(world.ownerId, made.id, { callbackUrl }))
  await world.run(second)
  expect(world.sent.map(({ url }) => url)).toEqual([callbackUrl])
  expect(world.deliveries(made)).toMatchObject([{ attempts: 1, attemptLog: [{ url: callbackUrl }] }])
})

it('a rotation that could not be written leaves the secret that receivers have', async () => {
  const world = openWorld()
  const { commands } = world.relay()
  const before = commands.signingSecrets(world.ownerId)
  // A full disk shows at the commit, as a broken promise to another table does.
  world.db.run(sql`create table kept (id integer primary key)`)
  world.db.run(sql`create table broken (kept integer references kept (id) deferrable initially deferred)`)
  world.db.run(sql`create trigger fails after update on owners begin insert into broken values (1); end`)
  await expect(commands.rotateSigningSecret(world.ownerId, 0)).rejects.toThrow()
  expect(commands.signingSecrets(world.ownerId)).toEqual(before)
})

it.each([
  ['the last of its schedule', 3],
  ['one before that', 2],
])(
  'one that is asked for while an attempt of it hangs, %s, is due once that has failed',
  async (_which, nth) => {
    const world = openWorld()
    world.receiver.answer = () => world.later(15 * second, timedOut)
    const { made } = await registered(world, 'encoding')
    while (world.sent.length < nth) await world.run(second)
    await redeliver(world, world.deliveries(made)[0]!)
    world.receiver.answer = () => accepted
    await world.run(16 * second)
    expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: nth + 1 }])
  },
)

it('one that was asked for while the last attempt of it hung has a schedule of its own', async () => {
  const world = openWorld()
  world.receiver.answer = () => world.later(15 * second, timedOut)
  const { made } = await registered(world, 'encoding')
  while (world.sent.length < 3) await world.run(second)
  await redeliver(world, world.deliveries(made)[0]!)
  world.receiver.answer = () => rejected(500)
  await world.run(hour)
  expect(world.deliveries(made)).toMatchObject([{ state: 'exhausted', attempts: 6 }])
})

it('a redelivery that fails, and was not asked for again, has its schedule', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'encoding')
  world.receiver.answer = () => rejected(500)
  await redeliver(world, world.deliveries(made)[0]!)
  await world.run(hour)
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 4 }])
})

it('a test that is moved while its last attempt is under way is not begun anew by that', async () => {
  const world = openWorld()
  const { made } = await registered(world, 'encoding')
  world.receiver.answer = () => world.later(15 * second, timedOut)
  const { commands } = world.relay()
  await world.after(commands.sendTest(world.ownerId, made.id))
  const tries = () => world.sent.filter(({ type }) => type === 'pollhook.test').length
  while (tries() < 3) await world.run(second)
  const callbackUrl = 'https://new.example.com/hook'
  await world.after(commands.updateSubscription(world.ownerId, made.id, { callbackUrl }))
  await world.run(hour)
  expect(tries()).toBe(3)
})
