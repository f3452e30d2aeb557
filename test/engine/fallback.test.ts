/** CONTRACT §5.3: whatever a master cannot answer the API host is asked for, in the same pass. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { breakUpstream, callsOf, error, failed, statusUrl } from './upstream.ts'
import { apiOrigin, hour, masterOrigin, minute, newToken, openWorld, second, types } from './world.ts'

it.for(['timeout', 'network', 'server_error', 'redirect', 'unreadable'] as const)(
  'a master that answers with %s: the API host is asked in the same pass',
  async (reason) => {
    const world = openWorld()
    breakUpstream(world, (origin) => (origin === masterOrigin ? failed(reason) : null))
    await world.register({ statusUrl })
    await world.run(second)
    expect(world.calls.map(({ origin }) => origin)).toEqual([masterOrigin, apiOrigin])
    expect(types(world)).toEqual(['task.encoding'])
  },
)

it('a master that does not know some tokens: only those go to the API host', async () => {
  const world = openWorld()
  const inputs = Array.from({ length: 6 }, () => newToken())
  const missing = inputs.slice(0, 2)
  breakUpstream(world, (origin, tokens) =>
    origin === masterOrigin
      ? {
          kind: 'statuses',
          statuses: new Map(
            tokens.filter((t) => !missing.includes(t)).map((t) => [t, { status: 'encoding' }]),
          ),
        }
      : null,
  )
  await Promise.all(inputs.map((taskToken) => world.register({ taskToken, statusUrl })))
  await world.run(second)
  expect([...callsOf(world, apiOrigin)[0]!.tokens].sort()).toEqual([...missing].sort())
  expect(types(world)).toHaveLength(6)
})

it('what queued at a master before it was known to be down is asked for at the API host', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1', POLLHOOK_POLL_CONCURRENCY: '1' })
  const all = await Promise.all(
    Array.from({ length: 6 }, () => world.register({ statusUrl, expiresInMs: minute })),
  )
  await world.run(50 * second)
  for (const { taskToken } of all) world.statuses.set(taskToken, { status: 'completed' })
  breakUpstream(world, (origin) => (origin === masterOrigin ? failed('network') : null))
  await world.run(5 * minute)
  for (const one of all) {
    expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
  }
})

it.for([
  ['error 1', error(1)],
  ['429', { kind: 'busy', retryAfterMs: null }],
  ['429 with Retry-After', { kind: 'busy', retryAfterMs: 30 * second }],
] as const)(
  'the tasks of a master that answers %s all the time are asked for at the API host',
  async ([, answer]) => {
    const world = openWorld()
    const all = await Promise.all(Array.from({ length: 3 }, () => world.register({ statusUrl })))
    await world.run(minute)
    breakUpstream(world, (origin) => (origin === masterOrigin ? answer : null))
    await world.run(hour)
    for (const { taskToken } of all) world.statuses.set(taskToken, { status: 'completed' })
    await world.run(minute)
    for (const one of all)
      expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
  },
)

it('a task that was cancelled while its call waited for the API host has not failed when it is registered anew', async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '1' })
  const [taskToken, other] = [newToken(), newToken()]
  const held = Promise.withResolvers<StatusAnswer>()
  world.upstream.answer = (origin) => (origin === masterOrigin ? failed('network') : held.promise)
  await world.register({ taskToken: other })
  await world.run(second)
  const first = await world.register({ taskToken, statusUrl })
  await world.run(second)
  expect(callsOf(world, masterOrigin)).toHaveLength(1)
  const { relay } = world
  await world.after(relay().commands.cancelSubscription(world.ownerId, first.id))
  await world.register({ taskToken })
  held.resolve({ kind: 'statuses', statuses: new Map([[other, { status: 'encoding' }]]) })
  await world.run(100)
  expect(types(world)).toEqual(['task.encoding'])
  expect(relay().store.watchesOf([taskToken]).get(taskToken)!.failingSince).toBeNull()
})
