import { describe, expect, test } from 'vitest'
import type { AppDeps } from '../../src/http/deps.ts'
import { beatTurns, heartbeatMs } from '../../src/http/stream.ts'
import type { TransitionEvent } from '../../src/store/records.ts'
import { openWorld, start } from '../contract/store/fixture.ts'
import { openOnNode } from '../contract/store/on-node.ts'
import { key, testApp, token, transition } from './support.ts'

/** A task that a test moves by hand, with everything a stream listens to. */
function liveTask(seqs: number) {
  const events: TransitionEvent[] = Array.from({ length: seqs }, (_, n) => transition(n + 1))
  const listeners = new Set<() => void>()
  const closing = new AbortController()
  const state = { watching: true, broken: false, reads: 0, timers: 0 }
  let beat = () => {}
  const deps: Partial<AppDeps> = {
    closing: closing.signal,
    transitions: {
      subscribe: (taskToken, listener) => {
        expect(taskToken).toBe(token)
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    every: (ms, fn) => {
      expect(ms).toBe(heartbeatMs / beatTurns)
      state.timers++
      beat = fn
      return () => {
        state.timers--
      }
    },
  }
  const queries = {
    streamState: () => ({ lastSeq: events.length, watching: state.watching }),
    transitionsAfter: (_token: string, seq: number, limit: number) => {
      state.reads++
      if (state.broken) throw new Error('disk I/O error')
      return events.filter((event) => event.seq > seq).slice(0, limit)
    },
  }
  const notify = () => {
    for (const listener of listeners) listener()
  }
  const { app } = testApp({ deps, queries })
  return {
    state,
    listeners,
    closing,
    notify,
    /** A share of the time between two heartbeats of a stream. */
    beat: () => beat(),
    /** All of it. */
    beatAll() {
      for (let turn = 0; turn < beatTurns; turn++) beat()
    },
    commit: (type?: string) => {
      events.push(transition(events.length + 1, type))
      notify()
    },
    open: async (query = '', headers: Record<string, string> = {}, method = 'GET') =>
      app.request(`/v1/tasks/${token}/events${query}`, {
        method,
        headers: { authorization: `Bearer ${key}`, ...headers },
      }),
  }
}

function reader(response: Response) {
  const stream = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  const next = async () => (await stream.read()).value ?? null
  return {
    next,
    cancel: () => stream.cancel(),
    /** The comment that every stream begins with. */
    opened: async () => expect(await next()).toBe(': open\n\n'),
  }
}

const ids = (chunk: string | null) => [...(chunk ?? '').matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))

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
  test('replays after Last-Event-ID, which goes before ?after', async () => {
    const task = liveTask(5)
    const response = await task.open('?after=0', { 'last-event-id': '3' })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    // Nothing is asked for over its connection once a relay that stops has ended it.
    expect(response.headers.get('connection')).toBe('close')
    // A proxy that kept events back until it has enough of them would make them late.
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    const stream = reader(response)
    await stream.opened()
    expect(ids(await stream.next())).toEqual([4, 5])
    await stream.cancel()
  })

  test('replays everything after ?after=0', async () => {
    const stream = reader(await liveTask(3).open('?after=0'))
    await stream.opened()
    expect(ids(await stream.next())).toEqual([1, 2, 3])
    await stream.cancel()
  })

  test('starts with the newest transition without either', async () => {
    const stream = reader(await liveTask(3).open())
    await stream.opened()
    expect(await stream.next()).toBe(
      'id: 3\ndata: {"type":"task.encoding","timestamp":"2026-11-23T10:00:00.000Z","data":{"subscription_id":null,' +
        `"task_token":"${token}","seq":3,"status":"encoding","percent":3,"previous":null,"metadata":{},` +
        '"error":null,"result":null}}\n\n',
    )
    await stream.cancel()
  })

  test('a long history is read in parts, each when the reader asks for it', async () => {
    const task = liveTask(120)
    const stream = reader(await task.open('?after=0'))
    await stream.opened()
    const sizes = [ids(await stream.next()), ids(await stream.next()), ids(await stream.next())]
    expect(sizes.map(({ length }) => length)).toEqual([50, 50, 20])
    await stream.cancel()
  })

  test('sends what is committed while it is open, and ends after the end of the task', async () => {
    const task = liveTask(1)
    const stream = reader(await task.open())
    await stream.opened()
    expect(ids(await stream.next())).toEqual([1])
    const live = stream.next()
    task.commit()
    expect(ids(await live)).toEqual([2])
    task.state.watching = false
    task.commit('task.completed')
    expect(ids(await stream.next())).toEqual([3])
    expect(await stream.next()).toBe(null)
    expect(task.listeners.size).toBe(0)
    expect(task.state.timers).toBe(0)
  })

  test('a commit between the replay and the wait is not missed', async () => {
    const task = liveTask(1)
    const stream = reader(await task.open())
    await stream.opened()
    // Committed after the stream began to listen and before it has read the store.
    task.commit()
    expect(ids(await stream.next())).toEqual([1, 2])
    task.commit()
    expect(ids(await stream.next())).toEqual([3])
    await stream.cancel()
  })

  test('ends when the last subscription of the owner ended', async () => {
    const task = liveTask(1)
    const stream = reader(await task.open('?after=1'))
    await stream.opened()
    const end = stream.next()
    task.state.watching = false
    task.notify()
    expect(await end).toBe(null)
  })

  test('of an ended task, sends what is left and ends; with nothing left it is 204', async () => {
    const task = liveTask(2)
    task.state.watching = false
    const stream = reader(await task.open('?after=1'))
    await stream.opened()
    expect(ids(await stream.next())).toEqual([2])
    expect(await stream.next()).toBe(null)
    const again = await task.open('', { 'last-event-id': '2' })
    expect(again.status).toBe(204)
    expect((await task.open('?after=2')).status).toBe(204)
  })

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

  test.each([
    ['?after=x', {}, 'after'],
    ['?after=-1', {}, 'after'],
    ['', { 'last-event-id': 'x' }, 'Last-Event-ID'],
  ])('refuses %s %j', async (query, headers, path) => {
    const response = await liveTask(1).open(query, headers)
    expect(await response.json()).toMatchObject({ code: 'invalid_request', errors: [{ path }] })
  })

  test('a task that the owner never subscribed to is 404', async () => {
    expect((await testApp().call('GET', `/v1/tasks/${token}/events`)).status).toBe(404)
  })
})
