/** CONTRACT §3: nobody expires without a last poll, which is put off while nobody can be asked, though not for ever. */
import { expect, it } from 'vitest'
import { breakUpstream } from './upstream.ts'
import { hour, minute, newToken, openWorld, second, types } from './world.ts'

it('expires_in ends the subscription after one last poll, where an end seen there wins', async () => {
  const world = openWorld()
  const slow = newToken()
  const done = newToken()
  const made = await world.register({ taskToken: slow, expiresInMs: 5 * minute })
  const other = await world.register({ taskToken: done, expiresInMs: 5 * minute })
  await world.run(4 * minute + 50 * second)
  world.statuses.set(done, { status: 'completed' })
  await world.run(5 * minute)
  expect(world.subscription(made.id).state).toBe('expired')
  expect(world.subscription(other.id).state).toBe('completed')
  expect(types(world).sort()).toEqual(['task.completed', 'task.encoding', 'task.encoding', 'task.expired'])
})

it('nobody expires without a last poll while upstream asks to be left alone', async () => {
  const world = openWorld()
  const one = await world.register({ expiresInMs: minute })
  await world.run(40 * second)
  let isBusy = true
  breakUpstream(world, () => (isBusy ? { kind: 'busy', retryAfterMs: 30 * second } : null))
  await world.register()
  await world.run(12 * second)
  isBusy = false
  world.statuses.set(one.taskToken, { status: 'completed' })
  await world.run(5 * minute)
  expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
})

it.for([5 * second, hour])(
  'an expiry waits for a last poll no longer than upstream may be away before a task is stalled, told to wait %i ms',
  async (retryAfterMs) => {
    const world = openWorld({ POLLHOOK_POLL_INTERVAL_MAX: '10s' })
    const one = await world.register({ expiresInMs: minute })
    await world.run(40 * second)
    breakUpstream(world, () => ({ kind: 'busy', retryAfterMs }))
    await world.run(3 * minute)
    expect(world.deliveries(one).at(-1)?.type).toBe('task.expired')
  },
)

it('an expiry that waits for its last poll keeps no stall from the others of its task', async () => {
  const world = openWorld()
  const one = await world.register({ expiresInMs: 2 * minute })
  const other = await world.register({ taskToken: one.taskToken, callbackUrl: `${one.callbackUrl}/other` })
  await world.run(10 * second)
  breakUpstream(world, () => ({ kind: 'busy', retryAfterMs: hour }))
  await world.run(3 * minute + 40 * second)
  expect(world.deliveries(other).map(({ type }) => type)).toEqual(['task.encoding', 'task.stalled'])
  expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding', 'task.stalled'])
  await world.run(minute)
  expect(world.deliveries(one).at(-1)?.type).toBe('task.expired')
})

it('a stall is told in time although the last poll of somebody else is put off', async () => {
  const world = openWorld()
  const taskToken = newToken()
  await world.register({ taskToken, expiresInMs: 55 * second })
  const other = await world.register({ taskToken, callbackUrl: 'https://app.example.com/other' })
  await world.run(3 * second)
  world.upstream.answer = () => ({ kind: 'busy', retryAfterMs: 10 * hour })
  await world.run(200 * second)
  expect(world.deliveries(other).map(({ type }) => type)).toContain('task.stalled')
})
