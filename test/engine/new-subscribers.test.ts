/** CONTRACT §2, §5.1: what a new subscriber hears of a task first, and from which poll. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { type EngineWorld, hour, minute, newToken, openWorld, second, types } from './world.ts'

/** A task that somebody waited for, an hour ago; upstream says `saving` by now. */
async function leftAlone(world: EngineWorld): Promise<string> {
  const { id, taskToken } = await world.register()
  await world.run(second)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, id))
  await world.run(hour)
  world.statuses.set(taskToken, { status: 'saving' })
  return taskToken
}

it('a task that was left alone is asked anew before a new subscriber hears of it', async () => {
  const world = openWorld()
  const taskToken = await leftAlone(world)
  const again = await world.register({ taskToken })
  await world.run(10 * second)
  const told = world.sent.filter(({ subscriptionId }) => subscriptionId === again.id)
  expect(told.map(({ type }) => type)).toEqual(['task.saving'])
})

it('all who register to a task that was left alone hear of it as a new poll finds it', async () => {
  const world = openWorld()
  const taskToken = await leftAlone(world)
  world.sent.length = 0
  await Promise.all([
    world.register({ taskToken }),
    world.register({ taskToken, callbackUrl: 'https://app.example.com/other' }),
  ])
  await world.run(20)
  await world.register({ taskToken, callbackUrl: 'https://app.example.com/third' })
  await world.run(10 * second)
  expect(types(world)).toEqual(['task.saving', 'task.saving', 'task.saving'])
  // Now it is known how it stands.
  await world.register({ taskToken, callbackUrl: 'https://app.example.com/fourth' })
  await world.run(20)
  expect(types(world)).toHaveLength(4)
})

it('a subscriber to a task that is polled already gets the known state at once', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(second)
  const late = await world.register({ taskToken, callbackUrl: 'https://app.example.com/late' })
  await world.run(10)
  const told = world.sent.filter(({ subscriptionId }) => subscriptionId === late.id)
  expect(told).toMatchObject([{ type: 'task.encoding', seq: 1 }])
  expect(JSON.parse(told[0]!.request.body).data.previous).toBeNull()
})

it("what a call from before a registration says of its task is nobody's", async () => {
  const world = openWorld()
  const taskToken = newToken()
  const answered = Promise.withResolvers<StatusAnswer>()
  const { answer } = world.upstream
  world.upstream.answer = () => answered.promise
  const { id } = await world.register({ taskToken })
  await world.run(second)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, id))
  world.upstream.answer = answer
  world.statuses.set(taskToken, { status: 'saving' })
  await world.register({ taskToken })
  await world.run(6 * second)
  answered.resolve({ kind: 'statuses', statuses: new Map([[taskToken, { status: 'completed' }]]) })
  await world.run(minute)
  expect(types(world)).toEqual(['task.saving'])
})

it('a registration whose task cannot be read afterwards stands, and is polled as soon as it can be', async () => {
  let isBroken = false
  const world = openWorld(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        watchesOf(tokens) {
          if (isBroken) throw new Error('disk I/O error')
          return store.watchesOf(tokens)
        },
      }),
    },
  )
  isBroken = true
  const one = await world.register()
  await world.run(3 * second)
  expect(world.calls).toEqual([])
  isBroken = false
  await world.run(2 * second)
  expect(world.deliveries(one)).toMatchObject([{ type: 'task.encoding', state: 'delivered' }])
})
