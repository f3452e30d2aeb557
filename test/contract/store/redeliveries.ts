/** CONTRACT §4.8: one again, many by filter, and the test event. */
import { expect, it } from 'vitest'
import { decodeId, encodeId } from '../../../src/core/ids.ts'
import { redeliverBatchMax } from '../../../src/store/redeliveries.ts'
import { accepted, type OnEmptyDatabase, openWorld, rejected, start, told, type World } from './fixture.ts'

/** A subscription whose only delivery has used up its schedule. */
function exhausted(world: World, callbackUrl = 'https://app.example.com/hooks') {
  const made = world.subscribe({ callbackUrl })
  world.poll(made.taskToken, { status: 'queued' })
  const { id } = world.rows().at(-1)!
  for (const attempts of [0, 1]) world.settle({ id, attempts }, rejected(500))
  return made
}

const all = { state: 'exhausted', dryRun: false } as const

export function redeliverySuite(on: OnEmptyDatabase): void {
  it('a filter by subscription matches the whole id: another place or nonce matches nothing', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = exhausted(world)
      const { nonce, ...row } = decodeId('sub', made.id)!
      const others = [
        encodeId('sub', row, 'another1'),
        encodeId('sub', row),
        encodeId('sub', { ...row, shard: 1 }, nonce),
        encodeId('sub', { ...row, generation: 2 }, nonce),
        encodeId('sub', { ...row, row: row.row + 1 }, nonce),
        'sub_nonsense',
      ]
      for (const subscriptionId of others) {
        const filter = { ...all, subscriptionId }
        expect(world.store.redeliverBatch(world.acme, filter, 0, start)).toMatchObject({ count: 0 })
        const page = { limit: 9, cursor: null, subscriptionId }
        expect(world.store.listDeliveries(world.acme, page).data).toEqual([])
      }
      const own = { ...all, subscriptionId: made.id }
      expect(world.store.redeliverBatch(world.other, own, 0, start)).toMatchObject({ count: 0 })
      expect(told(world.rows())).toEqual(['task.queued exhausted attempts_exhausted'])
      expect(world.store.redeliverBatch(world.acme, own, 0, start)).toMatchObject({ count: 1 })
      expect(told(world.rows())).toEqual(['task.queued pending'])
    }))

  it('a filter by endpoint, time or dry run touches no more than it names', () =>
    on((empty) => {
      const world = openWorld(empty)
      exhausted(world)
      exhausted(world, 'https://two.example.com/hooks')
      const count = (more: object) =>
        world.store.redeliverBatch(world.acme, { ...all, dryRun: true, ...more }, 0, start).count
      expect(count({})).toBe(2)
      expect(count({ endpointId: 'ep_acme_https://two.example.com' })).toBe(1)
      expect(count({ endpointId: 'ep_nobody' })).toBe(0)
      expect(count({ since: start, until: start })).toBe(2)
      expect(count({ since: start + 1 })).toBe(0)
      expect(count({ until: start - 1 })).toBe(0)
      expect(world.rows().every(({ state }) => state === 'exhausted')).toBe(true)
    }))

  it('what comes after progress that was asked for again still waits behind older events', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      world.settle(world.rows()[0]!, rejected(400))
      for (const percent of [1, 2]) world.poll(taskToken, { status: 'encoding', percent })
      world.poll(taskToken, { status: 'encoding', percent: 3 })
      const last = world.rows().at(-1)!
      const [newest] = world.store.listDeliveries(world.acme, { limit: 1, cursor: null }).data
      world.store.redeliver(world.acme, newest!.id, start)
      world.settle(last, accepted)
      world.poll(taskToken, { status: 'completed' })
      const heads = world.rows().filter(({ dueAt }) => dueAt !== null)
      expect(heads.map(({ type }) => type)).toEqual(['task.queued'])
    }))

  it('progress that has a newer event is skipped', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      for (const percent of [10, 20]) {
        world.poll(taskToken, { status: 'encoding', percent })
        const { id } = world.rows().at(-1)!
        for (const attempts of [0, 1]) world.settle({ id, attempts }, rejected(500))
      }
      world.poll(taskToken, { status: 'saving', percent: 20 })
      expect(world.store.redeliverBatch(world.acme, all, 0, start).count).toBe(1)
      expect(told(world.rows())).toEqual([
        'task.encoding pending',
        'task.progress exhausted attempts_exhausted',
        'task.saving pending',
      ])
    }))

  it('a large filter is done in commits of some hundreds, and none twice', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = world.subscribe()
      world.poll(made.taskToken, { status: 'queued' })
      for (let n = 0; n < redeliverBatchMax + 100; n++) world.store.sendTest(world.acme, made.id, start)
      for (const { id } of world.rows()) {
        for (const attempts of [0, 1])
          world.settle({ id, attempts }, rejected(500), start + attempts * 3_600_000)
      }
      const first = world.store.redeliverBatch(world.acme, all, 0, start)
      const second = world.store.redeliverBatch(world.acme, all, first.after!, start)
      expect([first.count, second.count, second.after]).toEqual([redeliverBatchMax, 101, null])
    }))

  it('one that was ever accepted ends delivered whatever the repeat meets, with the same bytes', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'completed' })
      const [before] = world.rows()
      world.settle(before!, accepted)
      const { id } = world.store.listDeliveries(world.acme, { limit: 1, cursor: null }).data[0]!
      expect(world.store.redeliver(world.acme, id, start).result.kind).toBe('queued')
      for (const attempts of [1, 2, 3])
        world.settle({ id: before!.id, attempts }, rejected(500), start + attempts * 3_600_000)
      const [after] = world.rows()
      expect(after).toMatchObject({ state: 'delivered', attempts: 4, finishedAt: start + 3 * 3_600_000 })
      expect(after).toMatchObject({ webhookId: before!.webhookId, body: before!.body })
      expect(world.store.delivery(world.acme, id)?.attemptLog.map(({ attempt }) => attempt)).toEqual([
        1, 2, 3, 4,
      ])
    }))

  it('one that is pending goes on with its schedule, any other begins it anew', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      world.settle(world.rows()[0]!, rejected(500))
      const { id } = world.store.listDeliveries(world.acme, { limit: 1, cursor: null }).data[0]!
      world.store.redeliver(world.acme, id, start)
      expect(world.rows()).toMatchObject([{ state: 'pending', scheduleFrom: 0, dueAt: start }])
      world.settle(world.rows()[0]!, rejected(500))
      expect(world.rows()).toMatchObject([{ state: 'exhausted', attempts: 2 }])
      world.store.redeliver(world.acme, id, start)
      const anew = { state: 'pending', stateReason: null, finishedAt: null, scheduleFrom: 2, dueAt: start }
      expect(world.rows()).toMatchObject([anew])
    }))

  it('it goes where its subscription sends now', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = exhausted(world)
      const before = world.rows()[0]!.endpointId
      const moved = { callbackUrl: 'https://two.example.com/hooks' }
      world.store.updateSubscription(world.acme, made.id, moved, start)
      const batch = world.store.redeliverBatch(world.acme, all, 0, start)
      const [after] = world.rows()
      expect(after!.endpointId).not.toBe(before)
      expect(batch.endpointIds).toEqual([after!.endpointId])
    }))

  it('a cancelled delivery, or one of a cancelled subscription, is not sent again', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = world.subscribe()
      world.poll(made.taskToken, { status: 'queued' })
      world.settle(world.rows()[0]!, accepted)
      world.poll(made.taskToken, { status: 'encoding' })
      world.store.cancelSubscription(world.acme, made.id, start)
      const { data } = world.store.listDeliveries(world.acme, { limit: 10, cursor: null })
      expect(data.map(({ state }) => state)).toEqual(['cancelled', 'delivered'])
      for (const { id } of data) {
        expect(world.store.redeliver(world.acme, id, start).result.kind).toBe('conflict')
        expect(world.store.redeliver(world.other, id, start).result.kind).toBe('not_found')
      }
      expect(world.store.sendTest(world.acme, made.id, start).result.kind).toBe('conflict')
      const given = exhausted(world)
      world.store.cancelSubscription(world.acme, given.id, start)
      const before = told(world.rows())
      expect(before.at(-1)).toBe('task.queued exhausted attempts_exhausted')
      expect(world.store.redeliverBatch(world.acme, all, 0, start)).toMatchObject({ count: 0 })
      expect(told(world.rows())).toEqual(before)
    }))

  it('a test that is asked for again is one still, also while the circuit is open', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = world.subscribe()
      world.store.sendTest(world.acme, made.id, start)
      const [test] = world.rows()
      world.settle(test!, accepted)
      const [{ id } = { id: '' }] = world.store.listDeliveries(world.acme, { limit: 1, cursor: null }).data
      world.store.redeliver(world.acme, id, start)
      const due = world.store.dueTests(test!.endpointId, start, 9)
      expect(due.map((one) => one.id)).toEqual([test!.id])
    }))

  it('a test goes first, what was asked for again next, and the rest keeps its turn', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = world.subscribe()
      world.poll(made.taskToken, { status: 'queued' })
      world.settle(world.rows()[0]!, accepted)
      world.poll(made.taskToken, { status: 'encoding' })
      const first = world.store.listDeliveries(world.acme, { limit: 9, cursor: null }).data.at(-1)!
      world.store.redeliver(world.acme, first.id, start)
      world.store.sendTest(world.acme, made.id, start)
      const sent: string[] = []
      const head = () => world.rows().filter(({ dueAt }) => dueAt !== null)
      for (let heads = head(); heads.length > 0; heads = head()) {
        expect(heads).toHaveLength(1)
        sent.push(heads[0]!.type)
        world.settle(heads[0]!, accepted)
      }
      expect(sent).toEqual(['pollhook.test', 'task.queued', 'task.encoding'])
    }))
}
