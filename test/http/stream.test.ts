/** Which transitions a stream has, from where on, and when it ends. */
import { describe, expect, test } from 'vitest'
import { ids, liveTask, reader } from './live-task.ts'
import { testApp, token } from './support.ts'

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
