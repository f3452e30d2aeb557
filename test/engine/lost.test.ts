/** CONTRACT §5.4: a token that upstream has not known for POLLHOOK_LOST_AFTER is lost. */
import { expect, it } from 'vitest'
import { hour, minute, newToken, openWorld, second, types } from './world.ts'

it('a token that upstream does not know is lost after POLLHOOK_LOST_AFTER, not before', async () => {
  const world = openWorld()
  const taskToken = newToken()
  world.statuses.set(taskToken, null)
  const made = await world.register({ taskToken })
  await world.run(10 * minute)
  expect(types(world)).toEqual([])
  await world.run(minute)
  expect(types(world)).toEqual(['task.lost'])
  expect(world.subscription(made.id).state).toBe('completed')
  const calls = world.calls.length
  await world.run(hour)
  expect(world.calls).toHaveLength(calls)
  world.statuses.set(taskToken, { status: 'encoding' })
  await world.register({ taskToken })
  await world.run(10 * second)
  expect(types(world)).toEqual(['task.lost', 'task.encoding'])
})

it('one answer that knows the token starts the count anew', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(second)
  await world.change(taskToken, { status: 'encoding' })
  world.statuses.set(taskToken, null)
  await world.run(9 * minute)
  await world.change(taskToken, { status: 'encoding' })
  world.statuses.set(taskToken, null)
  await world.run(9 * minute)
  expect(types(world)).toEqual(['task.encoding'])
})

it.for([{ percent: 10 }, {}, { status: null, percent: 0 }, { status: 'None' }])(
  'a lost task that is registered again is not lost while upstream knows it without a status: %o',
  async (answer) => {
    const world = openWorld({ POLLHOOK_LOST_AFTER: '30s' })
    const { taskToken } = await world.register()
    await world.run(5 * second)
    await world.change(taskToken, null)
    await world.run(3 * minute)
    expect(types(world).at(-1)).toBe('task.lost')
    world.statuses.set(taskToken, answer)
    const again = await world.register({ taskToken })
    await world.run(3 * minute)
    expect(world.deliveries(again)).toEqual([])
    await world.change(taskToken, { status: 'encoding', percent: 20 })
    expect(world.deliveries(again).map(({ type }) => type)).toEqual(['task.encoding'])
  },
)
