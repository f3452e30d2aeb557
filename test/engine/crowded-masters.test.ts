/** As on Workers, where masters have three calls together: slow ones hold them, and the API host fails. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { apiOrigin, minute, newToken, openWorld, second } from './world.ts'

const fast = 'https://master-fast.qencode.com'
const urlOf = (master: number) => `https://master-${master}.qencode.com/v1/status`
const failed: StatusAnswer = { kind: 'failed', reason: 'network' }

/** @param masterMs how long a master takes to answer; the API host answers at once, but for what `api.fault` says */
function openCrowded(masterMs: number, settings: Record<string, string> = {}) {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '3', ...settings }, { mastersConcurrency: 3 })
  const api: { fault(): StatusAnswer | Promise<StatusAnswer> | null } = { fault: () => null }
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => {
    if (origin === apiOrigin) return (await api.fault()) ?? honest(origin, tokens)
    return world.later(origin === fast ? 100 : masterMs, await honest(origin, tokens))
  }
  const register = async (tasks: number, masters: number) => {
    for (let n = 0; n < tasks; n++) await world.register({ statusUrl: urlOf(n % masters) })
  }
  const stalled = () => world.sent.filter(({ type }) => type === 'task.stalled')
  return { world, api, register, stalled }
}

it('no task is told as stalled whose master answers, however long the API host fails', async () => {
  const { world, api, register, stalled } = openCrowded(15 * second)
  for (let n = 0; n < 50; n++) await world.register({ statusUrl: `${fast}/v1/status` })
  await register(120, 40)
  await world.run(minute)
  api.fault = () => failed
  await world.run(20 * minute)
  expect(stalled()).toEqual([])
})

it('nor where the API host asks to wait at every second call', async () => {
  const { world, api, register, stalled } = openCrowded(4 * second)
  await register(120, 40)
  await world.run(minute)
  let calls = 0
  api.fault = () => (calls++ % 2 === 0 ? { kind: 'busy', retryAfterMs: 3 * second } : null)
  await world.run(8 * minute)
  expect(stalled()).toEqual([])
})

it('nor where the relay starts again and again meanwhile', async () => {
  const { world, api, register, stalled } = openCrowded(15 * second)
  await register(120, 40)
  await world.run(minute)
  api.fault = () => failed
  for (let life = 0; life < 8; life++) {
    world.crash()
    world.start()
    await world.run(100 * second)
  }
  expect(stalled()).toEqual([])
})

it('an API host that answers again is asked soon, whatever waits at slow masters', async () => {
  const { world, api, register } = openCrowded(19 * second, { POLLHOOK_POLL_BATCH: '10' })
  await register(2_400, 60)
  await world.run(minute)
  api.fault = () => world.later(50, failed)
  await world.run(2 * minute)
  api.fault = () => null
  const before = world.calls.length
  // All that waits failed once; what its master answers comes due behind that.
  await world.run(minute)
  expect(world.calls.slice(before).some(({ origin }) => origin === apiOrigin)).toBe(true)
})

it('while the API host says nothing, tasks whose masters answer do not wait for it after a start', async () => {
  const { world, api, register } = openCrowded(100)
  for (let n = 0; n < 300; n++) await world.register()
  await register(120, 40)
  await world.run(minute)
  api.fault = () => world.later(20 * second, { kind: 'failed', reason: 'timeout' })
  world.crash()
  world.start()
  const before = world.calls.length
  await world.run(15 * second)
  const calls = world.calls.slice(before).filter(({ origin }) => origin !== apiOrigin)
  expect(new Set(calls.flatMap(({ tokens }) => tokens)).size).toBe(120)
})

it('an end that the master knows of wins at the last poll, though the API host fails', async () => {
  const { world, api, register } = openCrowded(15 * second)
  await register(40, 40)
  await world.run(minute)
  api.fault = () => failed
  const tokens = Array.from({ length: 40 }, newToken)
  for (const [n, taskToken] of tokens.entries())
    await world.register({
      taskToken,
      statusUrl: urlOf(n),
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
