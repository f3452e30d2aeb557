/** Places for calls at upstream hosts: how many there are, and that masters which know nothing or are slow leave some free. */
import { expect, it } from 'vitest'
import { callsOf, statusUrl } from './upstream.ts'
import { apiOrigin, masterOrigin, minute, openWorld, second, types } from './world.ts'

it("however many masters know nothing, the API host's own tasks are asked for, and theirs too", async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '2' })
  const { answer } = world.upstream
  world.upstream.answer = async (origin, tokens) =>
    origin === apiOrigin
      ? world.later(2 * second, await answer(origin, tokens))
      : world.later(100, { kind: 'statuses', statuses: new Map() })
  const theirs = Array.from({ length: 100 }, (_, n) =>
    world.register({ statusUrl: `https://master-${n}.qencode.com/v1/status` }),
  )
  await Promise.all(theirs)
  await world.run(minute)
  const from = world.elapsed()
  const { taskToken } = await world.register()
  await world.run(5 * minute)
  const polls = callsOf(world, apiOrigin, from).filter(({ tokens }) => tokens.includes(taskToken))
  expect(polls.length).toBeGreaterThanOrEqual(8)
  // A place that is free goes to a fallback at once.
  expect(callsOf(world, apiOrigin, from).length).toBeGreaterThanOrEqual(280)
})

it('whoever names very many hosts has no more than 64 of them called at once; the API host is asked for the others', async () => {
  const world = openWorld()
  const { answer } = world.upstream
  let inFlight = 0
  let most = 0
  world.upstream.answer = async (origin, tokens) => {
    if (origin === apiOrigin) return answer(origin, tokens)
    most = Math.max(most, ++inFlight)
    const given = await world.later(10 * second, answer(origin, tokens))
    inFlight--
    return given
  }
  const made = Array.from({ length: 200 }, (_, n) =>
    world.register({ statusUrl: `https://master-${n}.qencode.com/v1/status` }),
  )
  await Promise.all(made)
  await world.run(15 * second)
  expect(most).toBe(64)
  expect(types(world)).toEqual(Array(200).fill('task.encoding'))
  expect(callsOf(world, apiOrigin).length).toBeLessThanOrEqual(6)
})

it('a place at a master is free while the API host is asked for what the master does not know', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1', POLLHOOK_POLL_CONCURRENCY: '1' })
  const { answer } = world.upstream
  world.upstream.answer = async (origin, tokens) =>
    origin === apiOrigin
      ? world.later(10 * second, await answer(origin, tokens))
      : world.later(second, { kind: 'statuses', statuses: new Map() })
  await Promise.all([world.register({ statusUrl }), world.register({ statusUrl })])
  await world.run(2 * second)
  expect(callsOf(world, masterOrigin)).toHaveLength(2)
})
