/** As on Workers, where masters have three calls together: slow ones hold them, and the API host fails. */
import { expect, it } from 'vitest'
import { apiOrigin, minute, newToken, openWorld, second } from './world.ts'

const fast = 'https://master-fast.qencode.com'

it('no task is told as stalled whose master answers, however long the API host fails', async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '3' }, { mastersConcurrency: 3 })
  let apiIsUp = true
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    if (origin !== apiOrigin)
      return world.later(origin === fast ? 100 : 15 * second, await honest(origin, tokens))
    return apiIsUp ? honest(origin, tokens) : { kind: 'failed', reason: 'network' }
  }
  for (let n = 0; n < 50; n++) await world.register({ statusUrl: `${fast}/v1/status` })
  for (let n = 0; n < 120; n++)
    await world.register({ statusUrl: `https://master-${n % 40}.qencode.com/v1/status` })
  await world.run(minute)
  apiIsUp = false
  await world.run(20 * minute)
  expect(world.sent.filter(({ type }) => type === 'task.stalled')).toEqual([])
})

it('nor where the API host asks to wait at every second call', async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '3' }, { mastersConcurrency: 3 })
  let busy: (() => boolean) | null = null
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    if (origin !== apiOrigin) return world.later(4 * second, await honest(origin, tokens))
    return busy?.() ? { kind: 'busy', retryAfterMs: 3 * second } : honest(origin, tokens)
  }
  for (let n = 0; n < 120; n++)
    await world.register({ statusUrl: `https://master-${n % 40}.qencode.com/v1/status` })
  await world.run(minute)
  let calls = 0
  busy = () => calls++ % 2 === 0
  await world.run(8 * minute)
  expect(world.sent.filter(({ type }) => type === 'task.stalled')).toEqual([])
})

it('nor where the relay starts again and again meanwhile', async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '3' }, { mastersConcurrency: 3 })
  let apiIsUp = true
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    if (origin !== apiOrigin) return world.later(15 * second, await honest(origin, tokens))
    return apiIsUp ? honest(origin, tokens) : { kind: 'failed', reason: 'network' }
  }
  for (let n = 0; n < 120; n++)
    await world.register({ statusUrl: `https://master-${n % 40}.qencode.com/v1/status` })
  await world.run(minute)
  apiIsUp = false
  for (let life = 0; life < 8; life++) {
    world.crash()
    world.start()
    await world.run(100 * second)
  }
  expect(world.sent.filter(({ type }) => type === 'task.stalled')).toEqual([])
})

it('an API host that answers again is asked soon, whatever waits at slow masters', async () => {
  const world = openWorld(
    { POLLHOOK_POLL_CONCURRENCY: '3', POLLHOOK_POLL_BATCH: '10' },
    { mastersConcurrency: 3 },
  )
  let apiIsUp = true
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    if (origin !== apiOrigin) return world.later(19 * second, await honest(origin, tokens))
    return apiIsUp ? honest(origin, tokens) : world.later(50, { kind: 'failed', reason: 'network' })
  }
  for (let n = 0; n < 2_400; n++)
    await world.register({ statusUrl: `https://master-${n % 60}.qencode.com/v1/status` })
  await world.run(minute)
  apiIsUp = false
  await world.run(2 * minute)
  apiIsUp = true
  const before = world.calls.length
  // All that waits failed once; what its master answers comes due behind that.
  await world.run(minute)
  expect(world.calls.slice(before).some(({ origin }) => origin === apiOrigin)).toBe(true)
})

it('while the API host says nothing, tasks whose masters answer do not wait for it after a start', async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '3' }, { mastersConcurrency: 3 })
  let apiIsUp = true
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    if (origin !== apiOrigin) return world.later(100, await honest(origin, tokens))
    return apiIsUp ? honest(origin, tokens) : world.later(20 * second, { kind: 'failed', reason: 'timeout' })
  }
  for (let n = 0; n < 300; n++) await world.register()
  for (let n = 0; n < 120; n++)
    await world.register({ statusUrl: `https://master-${n % 40}.qencode.com/v1/status` })
  await world.run(minute)
  apiIsUp = false
  world.crash()
  world.start()
  const before = world.calls.length
  await world.run(15 * second)
  const calls = world.calls.slice(before).filter(({ origin }) => origin !== apiOrigin)
  expect(new Set(calls.flatMap(({ tokens }) => tokens)).size).toBe(120)
})

it('an end that the master knows of wins at the last poll, though the API host fails', async () => {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '3' }, { mastersConcurrency: 3 })
  let apiIsUp = true
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    if (origin !== apiOrigin) return world.later(15 * second, await honest(origin, tokens))
    return apiIsUp ? honest(origin, tokens) : { kind: 'failed', reason: 'network' }
  }
  for (let n = 0; n < 40; n++)
    await world.register({ statusUrl: `https://master-${n}.qencode.com/v1/status` })
  await world.run(minute)
  apiIsUp = false
  const tokens = Array.from({ length: 40 }, newToken)
  for (const [n, taskToken] of tokens.entries())
    await world.register({
      taskToken,
      statusUrl: `https://master-${n}.qencode.com/v1/status`,
      events: ['task.completed', 'task.expired'],
      expiresInMs: 4 * minute + n * 7 * second,
    })
  for (const [n, token] of tokens.entries()) {
    await world.run(n === 0 ? 4 * minute - second : 7 * second)
    world.statuses.set(token, { status: 'completed' })
  }
  await world.run(5 * minute)
  const ends = world.sent.map(({ type }) => type).filter((type) => type !== 'task.encoding')
  expect(ends).toEqual(Array(40).fill('task.completed'))
})
