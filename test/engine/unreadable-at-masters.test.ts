/** CONTRACT §5.3, §5.4: tasks whose answers cannot be read, where a master has them or had them: they come back to it. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { createRng } from '../sim/random.ts'
import { endOf, newTokens } from './spoilers.ts'
import { hour, masterOrigin, minute, openWorld, second } from './world.ts'

it.each<[string, StatusAnswer, number]>([
  ['from the first', { kind: 'failed', reason: 'timeout' }, 0],
  ['while the master is left alone', { kind: 'busy', retryAfterMs: 3 * minute }, minute],
  ['nor there', { kind: 'failed', reason: 'unreadable' }, 0],
  ['where its master does not know it', { kind: 'statuses', statuses: new Map() }, 0],
])(
  'a task alone at its master comes back to it after a time in which nothing could be read elsewhere, %s',
  async (_when, down, after) => {
    const world = openWorld()
    const honest = world.upstream.answer
    const one = await world.register({ statusUrl: `${masterOrigin}/v1/status` })
    await world.run(minute)
    let isMasterDown = true
    let isApiDown = after === 0
    world.upstream.answer = (origin, tokens) => {
      if (origin === masterOrigin) return isMasterDown ? down : honest(origin, tokens)
      return isApiDown ? { kind: 'failed', reason: 'unreadable' } : honest(origin, tokens)
    }
    await world.run(after)
    isApiDown = true
    await world.run(90 * second)
    isMasterDown = false
    world.statuses.set(one.taskToken, { status: 'completed' })
    await world.run(5 * minute)
    expect(endOf(world, one)).toBeDefined()
  },
)

it('a task that its master does not know, and that nobody can read elsewhere, is no failure of the API host', async () => {
  const world = openWorld()
  const one = await world.register({ statusUrl: `${masterOrigin}/v1/status` })
  world.upstream.answer = (origin, tokens) => {
    const isOwn = tokens.includes(one.taskToken)
    if (origin === masterOrigin) return { kind: 'statuses', statuses: new Map() }
    if (isOwn) return { kind: 'failed', reason: 'unreadable' }
    return { kind: 'statuses', statuses: new Map(tokens.map((token) => [token, { status: 'encoding' }])) }
  }
  await world.run(5 * minute)
  const other = await world.register()
  await world.run(2 * second)
  expect(world.sent.map(({ subscriptionId }) => subscriptionId)).toContain(other.id)
})

it.each([
  ['1', 30, 2],
  ['100', 3, 6],
])(
  'with %s tokens in a call, what the API host cannot read of tasks whose master is down is no failure of it: %i good, %i bad',
  async (batch, goodCount, badCount) => {
    for (let seed = 1; seed <= 4; seed++) {
      const { next: random } = createRng(seed)
      const world = openWorld({ POLLHOOK_POLL_BATCH: batch }, { random })
      const honest = world.upstream.answer
      const bad = newTokens(badCount)
      let isMasterDown = true
      world.upstream.answer = async (origin, tokens) => {
        if (origin === masterOrigin && isMasterDown) return { kind: 'failed', reason: 'network' }
        const isBad = origin !== masterOrigin && tokens.some((token) => bad.has(token))
        return world.later(
          200,
          isBad ? { kind: 'failed', reason: 'too_large' } : await honest(origin, tokens),
        )
      }
      const statusUrl = `${masterOrigin}/v1/status`
      const register = (tokens: Iterable<string>) =>
        Promise.all([...tokens].map((taskToken) => world.register({ taskToken, statusUrl })))
      const good = await register(newTokens(goodCount))
      const spoilers = await register(bad)
      await world.run(15 * minute)
      for (const one of good) expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding'])
      const late = world.calls.filter(({ at, origin }) => at > 5 * minute && origin !== masterOrigin)
      const withBad = late.filter(({ tokens }) => tokens.some((token) => bad.has(token)))
      expect(withBad.length).toBeGreaterThan(20)
      expect(new Set(withBad.map(({ tokens }) => tokens.length))).toEqual(new Set([1]))
      isMasterDown = false
      for (const token of bad) world.statuses.set(token, { status: 'completed' })
      await world.run(5 * minute)
      for (const one of spoilers) expect(endOf(world, one)).toBeDefined()
    }
  },
)

it('a task that nobody can read is asked for where a new status_url says', async () => {
  const world = openWorld()
  const honest = world.upstream.answer
  const one = await world.register()
  world.upstream.answer = (origin, tokens) =>
    origin === masterOrigin ? honest(origin, tokens) : { kind: 'failed', reason: 'too_large' }
  await world.run(5 * minute)
  world.statuses.set(one.taskToken, { status: 'completed' })
  const statusUrl = `${masterOrigin}/v1/status`
  await world.after(world.relay().commands.updateSubscription(world.ownerId, one.id, { statusUrl }))
  await world.run(minute)
  expect(endOf(world, one)).toBeDefined()
})

it.each([1, 4])(
  'a task that nobody can read takes its master from none of the others: %i such',
  async (count) => {
    for (let seed = 1; seed <= 3; seed++) {
      const { next: random } = createRng(seed)
      const world = openWorld({}, { random })
      const bad = newTokens(count)
      const good = newTokens(3)
      world.upstream.answer = (origin, tokens) => {
        const isSpoiled = tokens.some((token) => bad.has(token))
        // Nobody else knows them.
        const known = origin === masterOrigin ? tokens : []
        const statuses = new Map(known.map((token) => [token, { status: 'encoding' }]))
        return world.later(
          200,
          isSpoiled ? { kind: 'failed', reason: 'too_large' } : { kind: 'statuses', statuses },
        )
      }
      const statusUrl = `${masterOrigin}/v1/status`
      const made = await Promise.all(
        [...good, ...bad].map((taskToken) => world.register({ taskToken, statusUrl })),
      )
      await world.run(hour)
      for (const one of made.slice(0, 3))
        expect(world.deliveries(one).map(({ type }) => type)).toEqual(['task.encoding'])
    }
  },
)
