/** Lists of very many rows (CONTRACT §2): a page under a filter looks through a bounded number of them. */
import { getTableColumns, sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { lookMax } from '../../../src/store/look.ts'
import type { Page, PageQuery } from '../../../src/store/records.ts'
import { deliveries, subscriptions, transitions } from '../../../src/store/schema.ts'
import { addRows, type OnEmptyDatabase, openWorld, rejected, start, type World } from './fixture.ts'

/** Every page from the newest on, each as the ids of its rows. */
function pagesOf<T extends { id: string }>(list: (query: PageQuery) => Page<T>, limit = 9): string[][] {
  const pages: string[][] = []
  for (let cursor: string | null = null; pages.length === 0 || cursor !== null; ) {
    const page: Page<T> = list({ limit, cursor })
    pages.push(page.data.map(({ id }) => id))
    cursor = page.nextCursor
  }
  return pages
}

/** Copies of the newest transition of each task, numbered on from it. */
function addTransitions(world: World, count: number): void {
  const names = Object.values(getTableColumns(transitions)).map(({ name }) => name)
  const others = sql.raw(names.filter((name) => name !== 'seq').join(', '))
  world.db.run(sql`with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ${count})
    insert into transitions (seq, ${others}) select newest.seq + counted.n, ${others} from counted, transitions newest`)
}

export function listSuite(on: OnEmptyDatabase): void {
  it('what fits is found however many newer deliveries do not, a bounded number at a time', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      const [oldest] = world.store.listDeliveries(world.acme, { limit: 1, cursor: null }).data
      world.poll(taskToken, { status: 'encoding' })
      addRows(world, deliveries, lookMax, 5_000_000)
      world.db.update(deliveries).set({ state: 'delivered' }).where(sql`type = 'task.encoding'`).run()
      const list = (filter: object) =>
        pagesOf((query) => world.store.listDeliveries(world.acme, { ...query, ...filter }))
      // The gap costs no page of its own.
      expect(list({ type: 'task.queued' })).toEqual([[], [oldest!.id]])
      expect(list({ state: 'pending' })).toEqual([[], [oldest!.id]])
      expect(list({ state: 'cancelled' })).toEqual([[], []])
      expect(list({ state: 'exhausted' })).toEqual([[]])
      expect(list({ state: 'exhausted', type: 'task.queued' })).toEqual([[], []])
    }))

  it('subscriptions likewise; the paused ones have an index', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id } = world.subscribe({ callbackUrl: 'https://old.example.com/hooks' })
      world.store.updateSubscription(world.acme, id, { state: 'paused' }, start)
      world.subscribe()
      addRows(world, subscriptions, lookMax)
      const list = (filter: object) =>
        pagesOf((query) => world.store.listSubscriptions(world.acme, { ...query, ...filter }))
      expect(list({ callbackUrl: 'https://old.example.com/hooks' })).toEqual([[], [id]])
      expect(list({ state: 'expired' })).toEqual([[], []])
      expect(list({ state: 'paused' })).toEqual([[id]])
    }))

  it('of what was paused and is cancelled, the index of the paused has nothing; what has expired stays in it', () =>
    on((empty) => {
      const world = openWorld(empty)
      const [cancelled, expired] = [world.subscribe(), world.subscribe({ expiresInMs: 1 })]
      for (const { id } of [cancelled, expired])
        world.store.updateSubscription(world.acme, id, { state: 'paused' }, start)
      world.store.cancelSubscription(world.acme, cancelled.id, start)
      world.poll(expired.taskToken, { status: 'queued' }, start + 1)
      const held = world.db.all(sql`select end_state from ${subscriptions} where paused = 1`)
      expect(held).toEqual([{ end_state: 'expired' }])
      expect(
        pagesOf((query) => world.store.listSubscriptions(world.acme, { ...query, state: 'paused' })),
      ).toEqual([[expired.id]])
      expect(world.store.subscription(world.acme, cancelled.id)?.state).toBe('cancelled')
      expect(world.store.countOpen(world.acme)).toBe(1)
    }))

  it('tasks likewise: of many subscriptions to few tasks a bounded number is looked at', () =>
    on((empty) => {
      const world = openWorld(empty)
      const older = world.subscribe()
      const newer = world.subscribe()
      addRows(world, subscriptions, lookMax)
      const tokens = pagesOf((query) => {
        const page = world.store.listTasks(world.acme, query)
        return { ...page, data: page.data.map(({ taskToken }) => ({ id: taskToken })) }
      }, 1)
      expect(tokens).toEqual([[], [newer.taskToken], [older.taskToken]])
    }))

  it('a list takes the cursors of no other', () =>
    on((empty) => {
      const world = openWorld(empty)
      for (const host of ['a', 'b']) {
        const { taskToken } = world.subscribe({ callbackUrl: `https://${host}.example.com/hooks` })
        world.poll(taskToken, { status: 'queued' })
      }
      const lists: ((query: PageQuery) => Page<unknown>)[] = [
        (query) => world.store.listSubscriptions(world.acme, query),
        (query) => world.store.listTasks(world.acme, query),
        (query) => world.store.listDeliveries(world.acme, query),
        (query) => world.store.listEndpoints(world.acme, query, start),
      ]
      const cursors = lists.map((list) => list({ limit: 1, cursor: null }).nextCursor)
      lists.forEach((list, i) => {
        cursors.forEach((cursor, j) => {
          const next = () => list({ limit: 1, cursor }).data.length
          if (i === j) expect(next()).toBe(1)
          else expect(next).toThrow('the cursor is not one that the list answered')
        })
      })
    }))

  it('a page that ended early says where, and how old what it did not look at is', () =>
    on((empty) => {
      const world = openWorld(empty)
      world.subscribe({}, start)
      world.subscribe({}, start + 1)
      addRows(world, subscriptions, lookMax - 1)
      const query = { limit: 9, cursor: null, state: 'cancelled' } as const
      const { nextCursor, positions } = world.store.listSubscriptions(world.acme, query)
      expect(positions).toEqual([{ cursor: nextCursor, order: start }])
    }))

  it('a stream goes as far as the last subscription of its owner did, whatever others are told of later', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe({ expiresInMs: 2 })
      world.subscribe({ ownerId: world.other, taskToken })
      const seen = (owner: number) => world.store.streamState(owner, taskToken)
      world.poll(taskToken, { status: 'queued' }, start + 1)
      expect(seen(world.acme)).toEqual({ lastSeq: 1, watching: true })
      // Its last poll: what that finds is still its own.
      world.poll(taskToken, { status: 'encoding' }, start + 2)
      expect(world.store.subscription(world.acme, id)?.state).toBe('expired')
      world.poll(taskToken, { status: 'saving' }, start + 3)
      expect(seen(world.acme)).toEqual({ lastSeq: 2, watching: false })
      world.store.cancelSubscription(world.acme, id, start + 3)
      expect(seen(world.acme)).toEqual({ lastSeq: 2, watching: false })
      expect(seen(world.other)).toEqual({ lastSeq: 3, watching: true })
      world.subscribe({ taskToken }, start + 4)
      expect(seen(world.acme)).toEqual({ lastSeq: 3, watching: true })
      world.poll(taskToken, { status: 'completed' }, start + 5)
      for (const owner of [world.acme, world.other])
        expect(seen(owner)).toEqual({ lastSeq: 4, watching: false })
    }))

  it('a task of more transitions than are shown has its newest ones, and the result and error of its end', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'encoding', percent: 1 })
      addTransitions(world, 10_000)
      const status = { status: 'failed', error: 1, error_description: 'no audio' }
      world.poll(taskToken, status)
      const task = world.store.task(world.acme, taskToken)!
      expect(task.transitions).toHaveLength(10_000)
      expect([task.transitions[0]?.seq, task.transitions.at(-1)?.seq]).toEqual([3, 10_002])
      expect(task.error).toEqual({ code: 1, description: 'no audio' })
      expect(JSON.parse(task.resultJson ?? 'null')).toEqual(status)
    }))

  it('a redelivery by filter goes through all that is exhausted, a bounded number at a time', () =>
    on((empty) => {
      const world = openWorld(empty)
      world.poll(world.subscribe().taskToken, { status: 'queued' })
      const { id } = world.rows().at(-1)!
      for (const attempts of [0, 1]) world.settle({ id, attempts }, rejected(500))
      addRows(world, deliveries, lookMax)
      const newest = sql`id = (select max(id) from ${deliveries})`
      world.db
        .update(deliveries)
        .set({ createdAt: start + 1 })
        .where(newest)
        .run()
      const filter = { state: 'exhausted', dryRun: true, since: start + 1 } as const
      const first = world.store.redeliverBatch(world.acme, filter, 0, start)
      expect(first.count).toBe(0)
      const second = world.store.redeliverBatch(world.acme, filter, first.after!, start)
      expect([second.count, second.after]).toEqual([1, null])
    }))
}
