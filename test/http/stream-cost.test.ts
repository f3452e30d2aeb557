/** What open streams cost, and that none leaves anything behind. */
import { describe, expect, test } from 'vitest'
import { beatTurns } from '../../src/http/stream.ts'
import { ids, liveTask, reader } from './live-task.ts'

describe('GET /v1/tasks/{token}/events', () => {
  test('a heartbeat comment is sent on the shared timer, never more than one at a time', async () => {
    const task = liveTask(1)
    const stream = reader(await task.open('?after=1'))
    await stream.opened()
    task.beatAll()
    task.beatAll()
    expect(await stream.next()).toBe(': heartbeat\n\n')
    const next = stream.next()
    // Time for a second one, that nobody asked for.
    await new Promise((resolve) => setImmediate(resolve))
    task.commit()
    expect(ids(await next)).toEqual([2])
    await stream.cancel()
  })

  test('1,000 idle streams share one timer and ask the store nothing', async () => {
    const task = liveTask(1)
    const streams = await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const stream = reader(await task.open())
        await stream.opened()
        await stream.next()
        return { ...stream, waiting: stream.next() }
      }),
    )
    await Promise.resolve()
    const { reads } = task.state
    expect(task.state.timers).toBe(1)
    let beaten = 0
    for (const { waiting } of streams) void waiting.then(() => beaten++)
    task.beat()
    await new Promise((resolve) => setImmediate(resolve))
    expect(beaten).toBeGreaterThan(0)
    expect(beaten).toBeLessThanOrEqual(Math.ceil(1000 / beatTurns))
    task.beatAll()
    expect(await Promise.all(streams.map(({ waiting }) => waiting))).toEqual(
      Array.from({ length: 1000 }, () => ': heartbeat\n\n'),
    )
    expect(task.state.reads).toBe(reads)
    await Promise.all(streams.map(({ cancel }) => cancel()))
    expect(task.listeners.size).toBe(0)
    expect(task.state.timers).toBe(0)
  })

  test('a commit costs one look at the store, however few transitions it brought', async () => {
    const task = liveTask(1)
    const stream = reader(await task.open('?after=1'))
    await stream.opened()
    const first = stream.next()
    task.commit()
    expect(ids(await first)).toEqual([2])
    const { reads } = task.state
    const second = stream.next()
    task.commit()
    expect(ids(await second)).toEqual([3])
    expect(task.state.reads).toBe(reads + 1)
    await stream.cancel()
  })

  test('a reader that goes away leaves nothing behind', async () => {
    const task = liveTask(1)
    const stream = reader(await task.open())
    await stream.opened()
    expect(task.listeners.size).toBe(1)
    await stream.cancel()
    expect(task.listeners.size).toBe(0)
  })

  test('nor does one that the store fails', async () => {
    const task = liveTask(1)
    const stream = reader(await task.open())
    await stream.opened()
    task.state.broken = true
    await expect(stream.next()).rejects.toThrow('disk I/O error')
    expect([task.listeners.size, task.state.timers]).toEqual([0, 0])
  })

  test('HEAD opens nothing', async () => {
    const task = liveTask(1)
    expect((await task.open('', {}, 'HEAD')).status).toBe(200)
    expect(task.listeners.size).toBe(0)
  })

  test('is closed at shutdown, and no new one is taken', async () => {
    const task = liveTask(1)
    const stream = reader(await task.open('?after=1'))
    await stream.opened()
    const end = stream.next()
    task.closing.abort()
    expect(await end).toBe(null)
    expect(task.listeners.size).toBe(0)
    expect((await task.open()).status).toBe(503)
  })
})
