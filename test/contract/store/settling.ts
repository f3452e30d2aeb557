/** What becomes of the deliveries in the outbox: taken, settled, given up, made due (CONTRACT §4). */
import { expect, it } from 'vitest'
import { healthy } from '../../../src/core/endpoint.ts'
import { heldAt } from '../../../src/store/schema.ts'
import { accepted, noChanges, type OnEmptyDatabase, openWorld, rejected, start, told } from './fixture.ts'

export function settleSuite(on: OnEmptyDatabase): void {
  it('taking what is due writes nothing, and gives each queue in its order', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = [world.subscribe(), world.subscribe()]
      for (const status of ['queued', 'encoding', 'saving']) {
        for (const { taskToken } of made) world.poll(taskToken, { status })
      }
      const before = world.rows()
      const endpointId = before[0]!.endpointId
      expect(world.store.dueEntries(endpointId, start - 1, 9)).toEqual([])
      const entries = world.store.dueEntries(endpointId, start, 9)
      const queues = Map.groupBy(entries, ({ subscriptionId }) => subscriptionId)
      expect([...queues.values()].map((queue) => queue.map(({ id }) => id))).toEqual(
        [0, 1].map((one) => before.filter((_, index) => index % 2 === one).map(({ id }) => id)),
      )
      const ids = before.map(({ id }) => id)
      expect(world.store.dueDeliveries(ids, start).map(({ id }) => id)).toEqual(ids)
      expect(world.rows()).toEqual(before)
    }))

  it('what follows a delivery that waits for another try is not due until that is over, and then all of it is', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      const due = () => world.rows().map(({ dueAt }) => dueAt)
      for (const status of ['queued', 'encoding']) world.poll(taskToken, { status })
      world.settle(world.rows()[0]!, rejected(500))
      expect(due()).toEqual([start + 5_000, null])
      world.poll(taskToken, { status: 'saving' })
      expect(due()).toEqual([start + 5_000, null, null])
      world.settle(world.rows()[0]!, accepted, start + 5_000)
      expect(due()).toEqual([null, start, start])
    }))

  it('a clock that goes back does not change the order of a queue', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' }, start)
      world.poll(taskToken, { status: 'encoding' }, start - 60_000)
      expect(world.rows().map(({ dueAt }) => dueAt)).toEqual([start, start])
    }))

  it('an attempt is settled once: the same again, or one that is gone, counts for nothing', () =>
    on((empty) => {
      const world = openWorld(empty)
      world.poll(world.subscribe().taskToken, { status: 'queued' })
      const [row] = world.rows()
      expect(world.settle(row!, rejected(500))).toBe('pending')
      expect(world.settle(row!, rejected(500))).toBe('unknown')
      expect(world.settle(row!, accepted)).toBe('unknown')
      expect(world.settle({ id: row!.id + 1, attempts: 0 }, accepted)).toBe('unknown')
      expect(world.rows()[0]).toMatchObject({ attempts: 1, dueAt: start + 5_000 })
    }))

  it('the same delivery twice in one group is settled once', () =>
    on((empty) => {
      const world = openWorld(empty)
      world.poll(world.subscribe().taskToken, { status: 'queued' })
      const [delivery] = world.rows()
      const attempt = { at: start, durationMs: 1, url: 'https://app.example.com/', chance: 0.5 }
      const item = { delivery: delivery!, outcome: accepted, ...attempt }
      world.store.settleDeliveries([item, item], noChanges, { terminalMs: [], interimMs: [] }, start)
      expect(world.rows()[0]).toMatchObject({ attempts: 1, state: 'delivered' })
      expect(JSON.parse(world.rows()[0]!.attemptLog)).toHaveLength(1)
    }))

  it('what was cancelled while it was sent stays cancelled, its attempt in the log', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      const [row] = world.rows()
      world.store.cancelSubscription(world.acme, id, start)
      expect(world.settle(row!, accepted, start + 9)).toBe('cancelled')
      expect(world.rows()[0]).toMatchObject({ stateReason: 'requested', attempts: 1, finishedAt: start })
    }))

  it('a 410 ends the subscription and all that waits', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      for (const status of ['queued', 'encoding']) world.poll(taskToken, { status })
      expect(world.settle(world.rows()[0]!, rejected(410))).toBe('cancelled')
      expect(told(world.rows())).toEqual(['task.queued cancelled gone', 'task.encoding cancelled gone'])
      expect(world.store.subscription(world.acme, id)).toMatchObject({
        state: 'cancelled',
        stateReason: 'gone',
      })
      expect(world.store.watchesOf([taskToken]).size).toBe(0)
    }))

  it('what follows a head that was sent when a pause began is held in its place', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      for (const status of ['queued', 'encoding']) world.poll(taskToken, { status })
      const [sent] = world.rows()
      world.store.updateSubscription(world.acme, id, { state: 'paused' }, start)
      world.settle(sent!, accepted)
      expect(world.rows().map(({ dueAt }) => dueAt)).toEqual([null, heldAt])
      const [endpoint] = world.store.listEndpoints(world.acme, { limit: 1, cursor: null }, start).data
      expect(endpoint).toMatchObject({ backlog: 1 })
    }))

  it('more than a hundred deliveries are taken and settled in one commit', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = Array.from({ length: 250 }, () => world.subscribe())
      for (const status of ['queued', 'completed']) {
        for (const { taskToken } of made) world.poll(taskToken, { status })
      }
      const endpointId = world.rows()[0]!.endpointId
      for (const type of ['task.queued', 'task.completed']) {
        const ids = world.store.dueEntries(endpointId, start, 250).map(({ id }) => id)
        const due = world.store.dueDeliveries(ids, start)
        expect(due.map((one) => one.type)).toEqual(made.map(() => type))
        const attempt = { at: start, durationMs: 1, url: 'https://app.example.com/', chance: 0.5 }
        const items = due.map((delivery) => ({ delivery, outcome: accepted, ...attempt }))
        world.store.settleDeliveries(items, noChanges, { terminalMs: [], interimMs: [] }, start)
      }
      expect(world.rows().every(({ state }) => state === 'delivered')).toBe(true)
    }))

  it('what an unavailable endpoint kept waiting too long is exhausted, and the next has its turn', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      world.poll(taskToken, { status: 'encoding' }, start + 9)
      const { endpointId } = world.rows()[0]!
      expect(world.store.exhaustKeptWaiting(endpointId, start, start + 10, 1)).toBe(1)
      expect(told(world.rows())).toEqual([
        'task.queued exhausted endpoint_unavailable',
        'task.encoding pending',
      ])
      expect(world.rows()[1]!.dueAt).toBe(start + 9)
    }))

  it('but what was accepted before it was asked for again ends delivered', () =>
    on((empty) => {
      const world = openWorld(empty)
      world.poll(world.subscribe().taskToken, { status: 'completed' })
      const [row] = world.rows()
      world.settle(row!, accepted)
      const [{ id } = { id: '' }] = world.store.listDeliveries(world.acme, { limit: 1, cursor: null }).data
      world.store.redeliver(world.acme, id, start)
      expect(world.store.exhaustKeptWaiting(row!.endpointId, start, start + 10, 1)).toBe(1)
      expect(told(world.rows())).toEqual(['task.completed delivered'])
    }))

  it('health is written with the settle, and a recovery makes all that waits due', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = [world.subscribe(), world.subscribe()]
      for (const { taskToken } of made) world.poll(taskToken, { status: 'queued' })
      const [first, second] = world.rows()
      world.settle(second!, rejected(500))
      const attempt = { at: start, durationMs: 1, url: 'https://app.example.com/', chance: 0.5 }
      const health = { ...healthy, lastSuccessAt: start + 1 }
      world.store.settleDeliveries(
        [{ delivery: first!, outcome: accepted, ...attempt }],
        {
          health: [{ id: first!.endpointId, health }],
          recovered: [{ id: first!.endpointId, failedSince: [] }],
        },
        { terminalMs: [], interimMs: [] },
        start + 1,
      )
      expect(world.rows()[1]!.dueAt).toBe(start + 1)
      expect(world.store.endpointState(first!.endpointId)?.health).toEqual(health)
    }))

  it('what waits is made due in the order of its queue, however little of it at once', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      // Made before the clock was set back.
      for (const [i, status] of ['downloading', 'queued', 'encoding', 'saving'].entries()) {
        world.poll(taskToken, { status }, start + 5_000 + i)
      }
      const { endpointId, id: first } = world.rows()[0]!
      const waiting = () => world.rows().map(({ dueAt }) => dueAt! - start)
      const end = (options: { except?: number[]; max: number }) =>
        world.store.endWaits(endpointId, start, options)
      expect([end({ max: 3 }), waiting()]).toEqual([3, [0, 0, 0, 5_003]])
      expect([end({ max: 3 }), waiting()]).toEqual([1, [0, 0, 0, 0]])
      // Nor when it is put back as head, behind a test for one.
      expect(world.rows().map(({ nextAttemptAt }) => nextAttemptAt)).toEqual(Array(4).fill(start))
      expect(end({ max: 3 })).toBe(0)
      world.settle({ id: first, attempts: 0 }, rejected(500))
      expect([end({ except: [first], max: 3 }), world.rows()[0]!.dueAt! > start]).toEqual([0, true])
    }))

  it('what waits behind a test waits no longer either, but for what failed since', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = [world.subscribe(), world.subscribe()]
      for (const { taskToken } of made) world.poll(taskToken, { status: 'queued' })
      for (const row of world.rows()) world.settle(row, rejected(500))
      for (const { id } of made) world.store.sendTest(world.acme, id, start)
      const [first, second] = world.rows()
      const of = { except: [second!.id], after: 0 }
      expect(world.store.endHiddenWaits(first!.endpointId, start, of)).toBeNull()
      const planned = world.rows().map(({ nextAttemptAt }) => nextAttemptAt! - start)
      expect(planned).toEqual([0, 5_000, 0, 0])
    }))
}
