/** POLLHOOK_OWNER_QUOTA: never exceeded, and nobody is refused who has room. */
import { expect, it } from 'vitest'
import { type EngineWorld, minute, newToken, openWorld, second } from './world.ts'

const registerAll = async (world: EngineWorld, count: number) =>
  Promise.all(Array.from({ length: count }, () => world.register().then(() => 'created', String)))

it('a commit that crosses the number of all registrations ever is counted by those that are active', async () => {
  const world = openWorld({ POLLHOOK_OWNER_QUOTA: '10' })
  for (let i = 0; i < 9; i++) {
    const { id } = await world.register()
    await world.relay().commands.cancelSubscription(world.ownerId, id)
  }
  expect(world.relay().store.countActive(world.ownerId)).toBe(0)
  expect(await registerAll(world, 10)).toEqual(Array(10).fill('created'))
  expect((await registerAll(world, 2)).every((result) => result.includes('quota_exceeded'))).toBe(true)
  expect(world.relay().store.countActive(world.ownerId)).toBe(10)
})

it('one of several subscriptions of a task that expires makes room', async () => {
  const world = openWorld({ POLLHOOK_OWNER_QUOTA: '2' })
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.register({ taskToken, callbackUrl: 'https://app.example.com/other', expiresInMs: minute })
  expect(await registerAll(world, 1)).not.toEqual(['created'])
  await world.run(2 * minute)
  expect(world.relay().store.countActive(world.ownerId)).toBe(1)
  expect(await registerAll(world, 1)).toEqual(['created'])
  await world.run(second)
})
