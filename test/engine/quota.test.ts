/** POLLHOOK_OWNER_QUOTA: never exceeded, and nobody is refused who has room. */
import { expect, it } from 'vitest'
import { createQuota } from '../../src/engine/quota.ts'
import { type EngineWorld, minute, newToken, openWorld, second } from './world.ts'

const registerAll = async (world: EngineWorld, count: number) =>
  Promise.all(Array.from({ length: count }, () => world.register().then(() => 'created', String)))

it('a commit that crosses the number of all registrations ever is counted by those that are active', async () => {
  const world = openWorld({ POLLHOOK_OWNER_QUOTA: '10' })
  for (let i = 0; i < 9; i++) {
    const { id } = await world.register()
    await world.relay().commands.cancelSubscription(world.ownerId, id)
  }
  expect(world.relay().store.countOpen(world.ownerId)).toBe(0)
  expect(await registerAll(world, 10)).toEqual(Array(10).fill('created'))
  expect((await registerAll(world, 2)).every((result) => result.includes('quota_exceeded'))).toBe(true)
  expect(world.relay().store.countOpen(world.ownerId)).toBe(10)
})

it('one of several subscriptions of a task that expires makes room', async () => {
  const world = openWorld({ POLLHOOK_OWNER_QUOTA: '2' })
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.register({ taskToken, callbackUrl: 'https://app.example.com/other', expiresInMs: minute })
  expect(await registerAll(world, 1)).not.toEqual(['created'])
  await world.run(2 * minute)
  expect(world.relay().store.countOpen(world.ownerId)).toBe(1)
  expect(await registerAll(world, 1)).toEqual(['created'])
  await world.run(second)
})

it('a paused one counts as long as it is paused, also when its task has ended or its time is over', async () => {
  const world = openWorld({ POLLHOOK_OWNER_QUOTA: '2' })
  const { commands } = world.relay()
  const ended = newToken()
  const [first, second_] = [
    await world.register({ taskToken: ended }),
    await world.register({ expiresInMs: minute }),
  ]
  for (const { id } of [first, second_])
    await world.after(commands.updateSubscription(world.ownerId, id, { state: 'paused' }))
  world.statuses.set(ended, { status: 'completed' })
  await world.run(2 * minute)
  expect([first, second_].map(({ id }) => world.subscription(id).state)).toEqual(['paused', 'paused'])
  expect(await registerAll(world, 1)).not.toEqual(['created'])
  await world.after(commands.updateSubscription(world.ownerId, first.id, { state: 'active' }))
  expect(await registerAll(world, 2)).toEqual(['created', expect.stringContaining('quota_exceeded')])
})

it('the time of a paused one that ran out is not to be had back, only its pause ended', async () => {
  const world = openWorld()
  const { commands } = world.relay()
  const { id } = await world.register({ expiresInMs: minute })
  await world.after(commands.updateSubscription(world.ownerId, id, { state: 'paused' }))
  await world.run(2 * minute)
  const more = await world.after(commands.updateSubscription(world.ownerId, id, { expiresInMs: minute }))
  expect(more).toEqual({ kind: 'conflict', state: 'expired', pauseHides: true })
  await world.after(commands.updateSubscription(world.ownerId, id, { state: 'active' }))
  expect(world.subscription(id).state).toBe('expired')
})

it('what is told at once that its task has ended takes no room, in its own commit neither', async () => {
  const world = openWorld({ POLLHOOK_OWNER_QUOTA: '2' })
  const ended = newToken()
  await world.register({ taskToken: ended })
  world.statuses.set(ended, { status: 'completed' })
  await world.run(minute)
  const late = () =>
    world.register({ taskToken: ended, callbackUrl: `https://app.example.com/${newToken()}` })
  const all = await Promise.all([late(), late(), late(), world.register(), world.register()])
  expect(all.map(({ state }) => state)).toEqual([...Array(3).fill('completed'), 'active', 'active'])
  expect(await registerAll(world, 1)).not.toEqual(['created'])
})

it('an owner is counted once, however many of its subscriptions end and begin at its quota', () => {
  let counted = 0
  const quota = createQuota(2, () => ++counted && 2)
  for (let i = 0; i < 10; i++) {
    const claims = quota.claim()
    expect(claims.exceeded(7)).toBe(2)
    quota.released([7])
    expect(claims.exceeded(7)).toBeNull()
    claims.made(7)
    expect(claims.exceeded(7)).toBe(2)
    claims.committed()
  }
  expect(counted).toBe(1)
})
