/** After a start: polled tasks are read a part at a time, spread over one interval, and what happens meanwhile is not lost. */
import { expect, it } from 'vitest'
import type { StatusAnswer } from '../../src/ports.ts'
import { watchesPart } from '../../src/store/watches.ts'
import { type EngineWorld, newToken, openWorld, second } from './world.ts'

type Options = Parameters<typeof openWorld>[1]

/** Two parts and a half, in the order in which they are read. */
async function restarted(
  env: Record<string, string> = {},
  options: Options = {},
): Promise<EngineWorld & { tokens: string[] }> {
  const world = openWorld({ POLLHOOK_POLL_CONCURRENCY: '64', ...env }, options)
  const tokens: string[] = []
  for (let n = 0; n < 5; n++) {
    const part = Array.from({ length: watchesPart / 2 }, newToken).sort()
    await Promise.all(part.map((taskToken) => world.register({ taskToken })))
    tokens.push(...part)
    await world.run(second)
  }
  world.crash()
  world.calls.length = 0
  world.start()
  return { ...world, tokens }
}

const asked = (world: EngineWorld) => world.calls.flatMap(({ tokens }) => tokens)

it('the first part is scheduled by the start itself, the others by the passes that follow at once', async () => {
  const world = await restarted()
  expect(world.relay().taskCount()).toBe(watchesPart)
  await world.run(0)
  expect(world.relay().taskCount()).toBe(world.tokens.length)
  await world.run(5 * second)
  expect(new Set(asked(world))).toEqual(new Set(world.tokens))
})

it("upstream's own callback for a task that is not read yet has it polled at once", async () => {
  // Of one, so that it waits for no company.
  const world = await restarted({ POLLHOOK_POLL_BATCH: '1' })
  const last = world.tokens.at(-1)!
  world.relay().commands.hint(last)
  world.relay().commands.hint(newToken())
  // Others are due in the middle of the first interval.
  await world.run(2 * second)
  expect(asked(world)).toEqual([last])
  // Read with its part it is the same task, not another one.
  await world.run(2 * second)
  expect(asked(world).filter((token) => token === last)).toHaveLength(1)
  await world.run(3 * second)
  expect(world.relay().taskCount()).toBe(world.tokens.length)
})

it('a task that is not read yet is registered again and cancelled as any other', async () => {
  const world = await restarted()
  const [again, gone] = world.tokens.slice(-2) as [string, string]
  const page = world
    .relay()
    .store.listSubscriptions(world.ownerId, { taskToken: gone, limit: 1, cursor: null })
  // Both at once: what waits for either runs the passes.
  const [made] = await Promise.all([
    world.register({ taskToken: again, callbackUrl: 'https://app.example.com/2' }),
    world.relay().commands.cancelSubscription(world.ownerId, page.data[0]!.id),
  ])
  await world.run(4 * second)
  expect(asked(world).filter((token) => token === again)).toHaveLength(1)
  await world.run(6 * second)
  expect(asked(world)).not.toContain(gone)
  expect(world.deliveries(made)).toMatchObject([{ type: 'task.encoding', state: 'delivered' }])
  expect(world.relay().taskCount()).toBe(world.tokens.length - 1)
})

it('a part that cannot be read keeps nothing waiting that was read before, and is read later', async () => {
  let isBroken = false
  const world = await restarted(
    {},
    {
      wrapStore: (store) => ({
        ...store,
        watchesAfter(cursor) {
          if (isBroken) throw new Error('disk I/O error')
          return store.watchesAfter(cursor)
        },
      }),
    },
  )
  isBroken = true
  await world.run(6 * second)
  expect(new Set(asked(world))).toEqual(new Set(world.tokens.slice(0, watchesPart)))
  isBroken = false
  await world.run(10 * second)
  expect(new Set(asked(world))).toEqual(new Set(world.tokens))
})

it('a stop waits for the status call that is under way, and keeps what it learns', async () => {
  const world = openWorld()
  const answer = Promise.withResolvers<StatusAnswer>()
  world.upstream.answer = () => answer.promise
  const { taskToken, id } = await world.register()
  await world.run(second)
  let stopped = false
  const stop = world
    .relay()
    .stop()
    .then(() => {
      stopped = true
    })
  await world.run(second)
  expect([world.calls.length, stopped]).toEqual([1, false])
  answer.resolve({ kind: 'statuses', statuses: new Map([[taskToken, { status: 'completed' }]]) })
  await world.run(second)
  await stop
  expect(world.subscription(id).state).toBe('completed')
})

it('a restart spreads the tasks over one interval and repeats no event', async () => {
  const world = openWorld({ POLLHOOK_POLL_BATCH: '1' })
  for (let n = 0; n < 20; n++) await world.register()
  await world.run(second)
  const told = world.sent.length
  world.crash()
  world.start()
  const from = world.elapsed()
  await world.run(10 * second)
  const asked = world.calls.filter(({ at }) => at >= from)
  expect(new Set(asked.flatMap(({ tokens }) => tokens)).size).toBe(20)
  expect(world.sent).toHaveLength(told)
})
