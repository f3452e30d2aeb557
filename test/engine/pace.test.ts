/** How often the schedule is looked at: calls of very many tasks go together, and what has just come up hardly waits. */
import { expect, it } from 'vitest'
import { hour, minute, never, newToken, openWorld, second } from './world.ts'

/** A look at most every so many milliseconds (src/engine/pace.ts). */
const restMs = 40

it('of very many tasks, those of several calls are polled together', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1', POLLHOOK_POLL_CONCURRENCY: '100' })
  // One every 5 ms, so that 200 of them are due each second from then on.
  for (let n = 0; n < 1_000; n++) {
    await world.register()
    await world.run(5)
  }
  const from = world.elapsed()
  await world.run(3 * second)
  const calls = world.calls.filter(({ at }) => at >= from)
  expect(calls.length).toBeGreaterThan(3 * 150)
  expect(new Set(calls.map(({ at }) => at)).size).toBeLessThanOrEqual((3 * second) / restMs + 1)
})

it('a task that has just come up is asked for at the next look, however lately the last one was', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1' })
  for (const afterMs of [0, 1, 10, 39, 41, 199]) {
    const [known, fresh] = [newToken(), newToken()]
    await world.register({ taskToken: known })
    await world.run(minute)
    world.relay().commands.hint(known)
    await world.run(afterMs)
    const registeredAt = world.elapsed()
    await world.register({ taskToken: fresh })
    await world.run(minute)
    const call = world.calls.find(({ tokens }) => tokens.includes(fresh))
    expect(call?.at).toBeLessThanOrEqual(registeredAt + restMs)
  }
})

it('calls of a host join those in flight once one has its answer, or a quarter of a look later', async () => {
  for (const { answerMs, leaveAt } of [
    { answerMs: [0, 0, 0, 0, 0], leaveAt: [0, 0, 0, 0, 0] },
    { answerMs: [1, 1, 1, 1, 1], leaveAt: [0, 1, 2, 3, 4] },
    // The first one hangs: it keeps the others waiting no more than once.
    { answerMs: [second, 1, 1, 1, 1], leaveAt: [0, 10, 11, 12, 13] },
    { answerMs: Array<number>(5).fill(second), leaveAt: [0, 10, 20, 30, second] },
  ]) {
    const world = openWorld({ POLLHOOK_POLL_BATCH: '1' })
    const { answer } = world.upstream
    world.upstream.answer = async (...call) =>
      world.later(answerMs[world.calls.length - 1] ?? 1, await answer(...call))
    await Promise.all(Array.from({ length: 5 }, () => world.register()))
    await world.run(3 * second)
    const [first] = world.calls
    expect(world.calls.slice(0, 5).map(({ at }) => at - first!.at)).toEqual(leaveAt)
  }
})

it.each([1, 5, 9, 20, 40, 100])(
  'as much is asked of an upstream that takes %d ms as four calls in flight allow, or as is due',
  async (answerMs) => {
    const world = openWorld({
      POLLHOOK_POLL_BATCH: '1',
      POLLHOOK_POLL_INTERVAL: '1s',
      POLLHOOK_POLL_INTERVAL_MAX: '1s',
    })
    const { answer } = world.upstream
    world.upstream.answer = async (...call) => world.later(answerMs, await answer(...call))
    for (let n = 0; n < 20; n++) {
      await Promise.all(Array.from({ length: 10 }, () => world.register()))
      await world.run(50)
    }
    await world.run(5 * second)
    const from = world.elapsed()
    await world.run(5 * second)
    const perSecond = world.calls.filter(({ at }) => at >= from).length / 5
    // 200 tasks once a second, and up to a tenth later (CONTRACT §5.2).
    expect(perSecond).toBeGreaterThan(0.85 * Math.min(190, 4_000 / answerMs))
  },
)

it('what waits to join those in flight waits no longer when the clock goes back', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1' })
  world.upstream.answer = () => never()
  await Promise.all([world.register(), world.register()])
  while (world.calls.length === 0) await world.run(1)
  world.step(-hour)
  // That it went back is seen when the wait is over, which then begins anew.
  await world.run(20)
  expect(world.calls).toHaveLength(2)
})
