/** CONTRACT §2: a pause, a new callback_url or secret, and the end of a subscription hold for what waits already. */
import { expect, it } from 'vitest'
import { createNodeSigner } from '../../src/net/node/signer.ts'
import {
  accepted,
  type EngineWorld,
  hour,
  minute,
  never,
  openWorld,
  registered,
  second,
  timedOut,
} from './world.ts'

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
