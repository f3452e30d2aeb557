/** CONTRACT §5.3, §5.4: a host that fails again and again, or asks to wait, is left alone, and the log tells of it once. */
import { expect, it, vi } from 'vitest'
import { breakUpstream, callsOf, error, failed, statusUrl } from './upstream.ts'
import { apiOrigin, masterOrigin, minute, openWorld, second, types } from './world.ts'

it('a master that fails again and again is left alone for longer each time, and its tasks go on', async () => {
  const world = openWorld()
  breakUpstream(world, (origin) => (origin === masterOrigin ? failed('timeout') : null))
  for (let n = 0; n < 10; n++) {
    await world.register({ statusUrl })
    await world.run(3 * second)
  }
  await world.run(10 * minute)
  const probes = callsOf(world, masterOrigin).map(({ at }) => at)
  const waits = probes.slice(1).map((at, i) => at - probes[i]!)
  expect(waits.at(-1)).toBeGreaterThanOrEqual(24 * second)
  expect(callsOf(world, apiOrigin).length).toBeGreaterThan(2 * probes.length)
  expect(types(world)).toHaveLength(10)
  const from = world.elapsed()
  world.upstream.answer = (_origin, tokens) => ({
    kind: 'statuses',
    statuses: new Map(tokens.map((token) => [token, { status: 'encoding' }])),
  })
  await world.run(2 * minute)
  expect(callsOf(world, masterOrigin, from + minute).length).toBeGreaterThan(1)
  expect(callsOf(world, apiOrigin, from + minute)).toEqual([])
})

it('error 8 with a time is waited out, by every task of that host', async () => {
  const world = openWorld()
  let busy = true
  breakUpstream(world, () => (busy ? { kind: 'busy', retryAfterMs: 2 * minute } : null))
  await world.register()
  await world.run(second)
  busy = false
  const told = world.calls.at(-1)!.at
  await world.register()
  await world.run(5 * minute)
  expect(world.calls[1]!.at - told).toBeGreaterThanOrEqual(2 * minute)
  expect(types(world)).toHaveLength(2)
})

it('any other error backs off and is tried again, and ends nothing', async () => {
  const world = openWorld()
  let broken = true
  breakUpstream(world, () => (broken ? error(1) : null))
  await world.register()
  await world.run(minute)
  expect(types(world)).toEqual([])
  broken = false
  await world.run(2 * minute)
  expect(types(world)).toEqual(['task.encoding'])
})

it.each([1, 15])(
  'calls that leave one by one and fail after %d ms, within a look, are one failure',
  async (answerMs) => {
    const world = openWorld({ POLLHOOK_POLL_BATCH: '1' })
    let failing = true
    const { answer } = world.upstream
    world.upstream.answer = async (origin, tokens) =>
      world.later(answerMs, failing ? failed('network') : await answer(origin, tokens))
    await Promise.all(Array.from({ length: 4 }, () => world.register()))
    while (world.calls.length === 0) await world.run(1)
    await world.run(35)
    expect(world.calls.length).toBeGreaterThan(2)
    failing = false
    const from = world.elapsed()
    const { taskToken } = await world.register()
    await world.run(second)
    // A host that failed twice would be left alone for an interval.
    expect(callsOf(world, apiOrigin, from).flatMap(({ tokens }) => tokens)).toContain(taskToken)
  },
)

it('a host whose calls time out is left alone after the second, which leaves as the first is over', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1', POLLHOOK_POLL_CONCURRENCY: '1' })
  const { answer } = world.upstream
  world.upstream.answer = async (origin, tokens) =>
    origin === masterOrigin ? world.later(20 * second, failed('timeout')) : answer(origin, tokens)
  await Promise.all(Array.from({ length: 5 }, () => world.register({ statusUrl })))
  await world.run(41 * second)
  expect(callsOf(world, masterOrigin)).toHaveLength(2)
  expect(types(world)).toHaveLength(5)
})

it('a host that fails again and again is told of once, with what it says, and so is its return', async () => {
  const said: [message: string, fields?: Record<string, unknown>][] = []
  const note = (...line: (typeof said)[number]) => {
    if (line[0].startsWith('upstream')) said.push(line)
  }
  const world = openWorld({}, { log: { debug() {}, info: note, warn: note, error: note } })
  let isBroken = true
  breakUpstream(world, () => (isBroken ? { kind: 'error', code: 1, message: 'no such account' } : null))
  await world.register()
  await world.run(5 * minute)
  const why = { origin: apiOrigin, outcome: 'error', code: 1, message: 'no such account' }
  expect(said).toEqual([['upstream fails', why]])
  isBroken = false
  await world.run(5 * minute)
  expect(said.slice(1)).toEqual([['upstream answers again', { origin: apiOrigin }]])
})

it('one failed call is no news for the log', async () => {
  const warn = vi.fn()
  const world = openWorld({}, { log: { debug() {}, info() {}, warn, error() {} } })
  await world.register()
  await world.run(minute)
  let calls = 0
  breakUpstream(world, () => (++calls === 1 ? failed('timeout') : null))
  await world.run(5 * minute)
  expect(calls).toBeGreaterThan(2)
  expect(warn).not.toHaveBeenCalled()
})
