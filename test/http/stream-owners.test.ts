/** Streams of a task that two owners follow: each has its own share. */
import { describe, expect, test } from 'vitest'
import { openWorld, start } from '../contract/store/fixture.ts'
import { openOnNode } from '../contract/store/on-node.ts'
import { ids, reader } from './live-task.ts'
import { key, testApp } from './support.ts'

/** A task of two owners in a real store. */
function sharedTask() {
  const empty = openOnNode()
  const world = openWorld(empty)
  const mine = world.subscribe()
  world.subscribe({ ownerId: world.other, taskToken: mine.taskToken })
  const otherKey = 'key-of-other-0123456789abcdef'
  const owners = new Map([
    [key, { id: world.acme, name: 'acme' }],
    [otherKey, { id: world.other, name: 'other' }],
  ])
  const { app } = testApp({
    queries: world.store,
    deps: { authenticate: (given) => owners.get(given) ?? null },
  })
  let at = start
  return {
    otherKey,
    close: empty.close,
    move: (status: string) => world.poll(mine.taskToken, { status }, ++at),
    cancelMine: () => world.store.cancelSubscription(world.acme, mine.id, ++at),
    open: async (lastEventId: number | null, by = key) =>
      app.request(`/v1/tasks/${mine.taskToken}/events`, {
        headers: {
          authorization: `Bearer ${by}`,
          ...(lastEventId !== null && { 'last-event-id': String(lastEventId) }),
        },
      }),
  }
}

describe('the stream of an owner whose last subscription ended while another owner stays', () => {
  test('has what came before that, and then is 204 for good, so that an EventSource stops', async () => {
    const task = sharedTask()
    task.move('queued')
    task.move('encoding')
    task.cancelMine()
    task.move('saving')
    const missed = await task.open(1)
    expect(ids(await missed.text())).toEqual([2])
    expect((await task.open(2)).status).toBe(204)
    task.move('completed')
    expect((await task.open(2)).status).toBe(204)
    expect(ids(await (await task.open(null)).text())).toEqual([2])
    const others = await task.open(1, task.otherKey)
    const told = await others.text()
    expect(ids(told)).toEqual([2, 3, 4])
    expect([...told.matchAll(/"previous":\{"status":"(\w+)"/g)].map(([, status]) => status)).toEqual([
      'queued',
      'encoding',
      'saving',
    ])
    task.close()
  })

  test('is 204 at once where nothing came before', async () => {
    const task = sharedTask()
    task.cancelMine()
    task.move('queued')
    expect((await task.open(null)).status).toBe(204)
    expect((await task.open(null, task.otherKey)).status).toBe(200)
    task.close()
  })
})

describe('GET /v1/tasks/{token}/events', () => {
  test('however many one owner opens, there is room for the others', async () => {
    const task = sharedTask()
    const streams = []
    for (let n = 0; n < 5_000; n++) {
      const stream = reader(await task.open(null))
      await stream.opened()
      streams.push(stream)
    }
    expect((await task.open(null)).status).toBe(503)
    expect((await task.open(null, task.otherKey)).status).toBe(200)
    await streams[0]!.cancel()
    expect((await task.open(null)).status).toBe(200)
    await Promise.all(streams.map(({ cancel }) => cancel()))
    task.close()
  })
})
