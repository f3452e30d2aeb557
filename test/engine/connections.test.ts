/** CONTRACT §2: what was taken to be sent and waits for its connection does not outlive the answer to a DELETE or PATCH. */
import { expect, it } from 'vitest'
import type { Store } from '../../src/store/store.ts'
import { accepted, type EngineWorld, minute, newToken, openWorld, second } from './world.ts'

/** A relay with one attempt that has no connection yet: it has one a second after it was taken. */
async function waiting(options: { wrapStore?(store: Store): Store } = {}) {
  const world = openWorld({}, options)
  const wentOut: string[] = []
  world.receiver.answer = async ({ isWanted, url }) => {
    await world.later(second, null)
    if (!isWanted()) return null
    wentOut.push(url)
    return accepted
  }
  const token = newToken()
  world.statuses.set(token, { status: 'encoding' })
  const made = await world.register({ taskToken: token })
  while (world.sent.length === 0) await world.run(1)
  return { world, wentOut, made }
}

type Change = (world: EngineWorld, id: string) => Promise<unknown>
const patch =
  (change: object): Change =>
  (world, id) =>
    world.relay().commands.updateSubscription(world.ownerId, id, change)
const patchEndpoint =
  (change: object): Change =>
  (world) =>
    world.relay().commands.updateEndpoint(world.ownerId, world.endpoint().id, change)

it('none goes out after a DELETE was answered', async () => {
  const { world, wentOut, made } = await waiting()
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, made.id))
  await world.run(minute)
  expect(wentOut).toEqual([])
  expect(world.deliveries(made)).toMatchObject([{ state: 'cancelled', attempts: 0, attemptLog: [] }])
})

it.each<[string, Change, Change]>([
  ['subscription', patch({ state: 'paused' }), patch({ state: 'active' })],
  ['endpoint', patchEndpoint({ paused: true }), patchEndpoint({ paused: false })],
])('none goes out to a paused %s, and that is no attempt', async (_name, pause, resume) => {
  const { world, wentOut, made } = await waiting()
  await world.after(pause(world, made.id))
  await world.run(minute)
  expect(wentOut).toEqual([])
  expect(world.deliveries(made)).toMatchObject([{ state: 'pending', attempts: 0 }])
  await world.after(resume(world, made.id))
  await world.run(minute)
  expect(wentOut).toHaveLength(1)
  expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 1 }])
})

it.each(['https://app.example.com/new', 'https://new.example.com/hook'])(
  'a new callback_url has it go there: %s',
  async (callbackUrl) => {
    const { world, wentOut, made } = await waiting()
    await world.after(patch({ callbackUrl })(world, made.id))
    await world.run(minute)
    expect(wentOut).toEqual([callbackUrl])
    expect(world.deliveries(made)).toMatchObject([{ state: 'delivered', attempts: 1 }])
  },
)

it.each<[string, Change]>([
  ['of its own', patch({ secret: `whsec_${Buffer.alloc(24, 9).toString('base64')}` })],
  ['of the owner', (world) => world.relay().commands.rotateSigningSecret(world.ownerId, 0)],
])('a new secret %s signs it', async (_name, change) => {
  const { world, wentOut, made } = await waiting()
  await world.after(change(world, made.id))
  await world.run(minute)
  expect([wentOut.length, world.sent.length]).toEqual([1, 2])
  const [before, after] = world.sent.map(({ request }) => request.headers['webhook-signature'])
  expect(after).not.toBe(before)
})

it('a change of anything else lets it go, and without any change nothing is read', async () => {
  let reads = 0
  const wrapStore = (store: Store): Store => ({
    ...store,
    dueDeliveries(...given) {
      reads++
      return store.dueDeliveries(...given)
    },
  })
  const still = await waiting({ wrapStore })
  const before = reads
  await still.world.run(2 * second)
  expect([still.wentOut.length, reads]).toEqual([1, before])
  const { world, wentOut, made } = await waiting()
  await world.after(patch({ metadata: { job: '8' } })(world, made.id))
  await world.run(minute)
  expect([wentOut.length, world.sent.length]).toEqual([1, 1])
})

it('progress that was withheld is superseded by what came meanwhile, as any other', async () => {
  const world = openWorld()
  const made = await world.register()
  await world.run(second)
  const wentOut: (number | null)[] = []
  world.receiver.answer = async ({ isWanted, seq }) => {
    await world.later(minute, null)
    if (!isWanted()) return null
    wentOut.push(seq)
    return accepted
  }
  await world.change(made.taskToken, { status: 'encoding', percent: 10 })
  await world.change(made.taskToken, { status: 'encoding', percent: 40 })
  const { commands } = world.relay()
  await world.after(commands.updateSubscription(world.ownerId, made.id, { state: 'paused' }))
  await world.run(2 * minute)
  await world.after(commands.updateSubscription(world.ownerId, made.id, { state: 'active' }))
  await world.run(2 * minute)
  expect(wentOut).toEqual([3])
  expect(world.deliveries(made).map(({ state }) => state)).toEqual(['delivered', 'superseded', 'delivered'])
})
