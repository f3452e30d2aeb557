/** Registering, changing and ending subscriptions (CONTRACT §2). */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { migrate } from '../../../src/store/migrate.ts'
import type { SubscriptionState } from '../../../src/store/records.ts'
import { endpoints, heldAt, subscriptions, tasks } from '../../../src/store/schema.ts'
import { firstWatch, type WatchCursor, watchesPart } from '../../../src/store/watches.ts'
import {
  accepted,
  inputOf,
  noQuota,
  type OnEmptyDatabase,
  openWorld,
  rejected,
  start,
  told,
} from './fixture.ts'

const one = (result: unknown[]) => result[0]
const head = { limit: 1, cursor: null }

export function migrationSuite(on: OnEmptyDatabase): void {
  it('an empty database is brought to the newest migration, and a second run does nothing', () =>
    on(({ db, migrations }) => {
      const all = migrations.journal.entries.length
      expect(migrate(db, migrations)).toBe(all)
      expect(migrate(db, migrations)).toBe(0)
      expect(db.all(sql`select idx from migrations`)).toHaveLength(all)
      expect(db.all(sql`pragma foreign_keys`)).toEqual([{ foreign_keys: 1 }])
    }))

  it('a migration that fails leaves nothing of itself behind, and says why', () =>
    on(({ db, migrations }) => {
      migrate(db, migrations)
      const idx = migrations.journal.entries.length
      const tag = `${String(idx).padStart(4, '0')}_broken`
      const broken =
        'CREATE TABLE half (id integer);--> statement-breakpoint\nINSERT INTO nowhere VALUES (1);'
      const next = {
        journal: { entries: [...migrations.journal.entries, { idx, tag }] },
        migrations: { ...migrations.migrations, [`m${tag.slice(0, 4)}`]: broken },
      }
      expect(() => migrate(db, next)).toThrow()
      expect(db.all(sql`select name from sqlite_master where name = 'half'`)).toEqual([])
      expect(migrate(db, migrations)).toBe(0)
    }))

  it('what waited behind a head that was never tried is due with it since 0001', () =>
    on((empty) => {
      const world = openWorld(empty)
      const made = [world.subscribe(), world.subscribe(), world.subscribe()]
      for (const { taskToken } of made) {
        for (const status of ['queued', 'encoding', 'saving']) world.poll(taskToken, { status })
      }
      world.settle(world.rows()[3]!, rejected(500))
      world.store.updateSubscription(world.acme, made[2]!.id, { state: 'paused' }, start)
      const before = world.rows().map(({ dueAt }) => dueAt)
      // As it was before; what came after fits it all the same.
      empty.db.run(sql`update deliveries set due_at = null where type <> 'task.queued'`)
      empty.db.run(sql`delete from migrations where idx = 1`)
      expect(migrate(empty.db, empty.migrations)).toBe(1)
      expect(world.rows().map(({ dueAt }) => dueAt)).toEqual(before)
      expect(before).toEqual([start, start, start, start + 5_000, null, null, heldAt, null, null])
    }))

  it('a database of a newer version is refused', () =>
    on(({ db, migrations }) => {
      migrate(db, migrations)
      db.run(sql`insert into migrations (idx, tag) values (99, '0099_later')`)
      expect(() => migrate(db, migrations)).toThrow('newer Pollhook')
    }))

  it('a UNIQUE violation reaches the caller with its name, and rolls its transaction back', () =>
    on((empty) => {
      const { db, acme } = openWorld(empty)
      const row = { publicId: 'ep_1', ownerId: acme, origin: 'https://app.example.com' }
      const causes: string[] = []
      try {
        db.transaction(() => {
          db.insert(endpoints).values(row).run()
          db.insert(endpoints).values(row).run()
        })
      } catch (error) {
        for (let at = error; at instanceof Error; at = at.cause) causes.push(at.message)
      }
      expect(causes.join('\n')).toContain('UNIQUE constraint failed: endpoints.public_id')
      expect(db.select().from(endpoints).all()).toEqual([])
    }))
}

export function subscribeSuite(on: OnEmptyDatabase): void {
  it('the same owner, token and URL with equal options is the subscription that is there', () =>
    on((empty) => {
      const { store, acme, other, newToken } = openWorld(empty)
      const input = { ...inputOf(acme, newToken()), events: ['task.failed', 'task.*'], secret: 'whsec_a' }
      const again = {
        ...input,
        events: ['task.*', 'task.failed', 'task.*'],
        statusUrl: 'https://m/v1/status',
      }
      const others = [
        { ...input, percentStep: 2 },
        { ...input, metadata: { job: '7' } },
        { ...input, secret: null },
        { ...input, secret: 'whsec_b' },
        { ...input, expiresInMs: 1_000 },
        { ...input, events: ['task.*'] },
      ]
      const apart = [
        { ...input, callbackUrl: 'https://app.example.com/hooks?2' },
        { ...input, ownerId: other },
        { ...input, taskToken: newToken() },
      ]
      const { results } = store.subscribe([input, again, ...others, ...apart], start, noQuota)
      const [first, second] = results
      expect(first?.kind).toBe('created')
      expect(second).toMatchObject({ kind: 'existing', subscription: { statusUrl: 'https://m/v1/status' } })
      expect(results.map(({ kind }) => kind).slice(2)).toEqual([
        ...others.map(() => 'subscription_exists'),
        ...apart.map(() => 'created'),
      ])
    }))

  it('the quota stops what would be made, not what is there already', () =>
    on((empty) => {
      const world = openWorld(empty)
      const input = inputOf(world.acme, world.newToken())
      const made: number[] = []
      const claims = { exceeded: () => (made.length < 1 ? null : 1), made: (id: number) => made.push(id) }
      const { results } = world.store.subscribe(
        [input, { ...input, taskToken: world.newToken() }, input],
        start,
        claims,
      )
      expect(results.map(({ kind }) => kind)).toEqual(['created', 'quota_exceeded', 'existing'])
      expect(made).toEqual([world.acme])
      expect(world.store.countOpen(world.acme)).toBe(1)
      expect(world.store.countOpen(world.other)).toBe(0)
    }))

  it('what ended is no twin, and does not count', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      world.store.cancelSubscription(world.acme, id, start)
      expect(world.store.countOpen(world.acme)).toBe(0)
      expect(world.store.watch(taskToken)).toBeNull()
      const again = world.subscribe({ taskToken })
      expect(again.id).not.toBe(id)
      expect(world.store.watch(taskToken)).not.toBeNull()
    }))

  it('a known task gives its state at once, under its last seq', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      world.poll(taskToken, { status: 'encoding', percent: 7 })
      world.subscribe({ taskToken, callbackUrl: 'https://two.example.com/' })
      const body = JSON.parse(world.rows().at(-1)!.body)
      expect(body).toMatchObject({
        type: 'task.encoding',
        data: { seq: 2, status: 'encoding', percent: 7, previous: null },
      })
    }))

  it('within one commit too, whether the task was known before or is made by it', () =>
    on((empty) => {
      const { store, acme, other, newToken } = openWorld(empty)
      const input = inputOf(acme, newToken())
      const elsewhere = { ...input, callbackUrl: 'https://two.example.com/' }
      const kinds = (inputs: (typeof input)[]) =>
        store.subscribe(inputs, start, noQuota).results.map(({ kind }) => kind)
      const all = [input, input, elsewhere, { ...input, percentStep: 2 }, { ...input, ownerId: other }]
      const expected = ['created', 'existing', 'created', 'subscription_exists', 'created']
      expect(kinds(all)).toEqual(expected)
      expect(kinds(all.map((one) => ({ ...one, callbackUrl: `${one.callbackUrl}/again` })))).toEqual(expected)
      expect(kinds([input, elsewhere])).toEqual(['existing', 'existing'])
      const [{ id } = { id: '' }] = store.listSubscriptions(acme, {
        ...{ limit: 1, cursor: null },
        callbackUrl: input.callbackUrl,
      }).data
      store.cancelSubscription(acme, id, start)
      expect(kinds([input, input])).toEqual(['created', 'existing'])
    }))

  it('foreign ids are not found, by any verb', () =>
    on((empty) => {
      const { store, subscribe, acme, other } = openWorld(empty)
      const { id } = subscribe()
      for (const [owner, name] of [
        [other, id],
        [acme, `${id}0`],
        [acme, id.slice(0, -1)],
        [acme, 'sub_'],
      ] as const) {
        expect(store.subscription(owner, name)).toBeNull()
        expect(store.cancelSubscription(owner, name, start)).toBeNull()
        expect(store.sendTest(owner, name, start).result.kind).toBe('not_found')
        expect(store.updateSubscription(owner, name, {}, start).result.kind).toBe('not_found')
      }
      expect(store.subscription(acme, id)?.state).toBe('active')
    }))
}

export function subscriptionChangeSuite(on: OnEmptyDatabase): void {
  it('a pause holds the head and what comes behind it; its end makes all of it due', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      world.store.updateSubscription(world.acme, id, { state: 'paused' }, start)
      world.poll(taskToken, { status: 'encoding' })
      expect(world.rows().map(({ dueAt }) => dueAt)).toEqual([heldAt, null])
      expect(world.store.countOpen(world.acme)).toBe(1)
      world.poll(taskToken, { status: 'completed' })
      expect(world.store.subscription(world.acme, id)?.state).toBe('paused')
      world.store.updateSubscription(world.acme, id, { state: 'active' }, start + 5)
      expect(world.rows().map(({ dueAt }) => dueAt)).toEqual([start + 5, start + 5, start + 5])
      expect(world.store.subscription(world.acme, id)?.state).toBe('completed')
    }))

  it('what a pause holds is due at no time', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      const { endpointId } = world.store.waitingEndpoints()[0]!
      world.store.updateSubscription(world.acme, id, { state: 'paused' }, start)
      expect(world.store.nextDueAt(endpointId, 0)).toBeNull()
      expect(world.store.waitingEndpoints()).toEqual([])
      world.store.updateSubscription(world.acme, id, { state: 'active' }, start + 5)
      expect(world.store.nextDueAt(endpointId, 0)).toBe(start + 5)
      expect(world.store.waitingEndpoints()).toEqual([{ endpointId, dueAt: start + 5 }])
    }))

  it('an ended subscription is changed no more', () =>
    on((empty) => {
      const { store, subscribe, poll, acme } = openWorld(empty)
      const { id, taskToken } = subscribe()
      poll(taskToken, { status: 'completed' })
      const { result } = store.updateSubscription(acme, id, { percentStep: 5 }, start)
      expect(result).toEqual({ kind: 'conflict', state: 'completed' })
    }))

  it('another URL moves what waits, its bytes and ids unchanged; the URL of a twin is refused', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      const twin = world.subscribe({ taskToken, callbackUrl: 'https://two.example.com/' })
      world.poll(taskToken, { status: 'queued' })
      const [before] = world.rows()
      const move = (callbackUrl: string) =>
        world.store.updateSubscription(world.acme, id, { callbackUrl }, start).result
      expect(move('https://two.example.com/')).toEqual({ kind: 'subscription_exists', id: twin.id })
      expect(move('https://three.example.com/').kind).toBe('updated')
      const [after] = world.rows()
      expect({ ...after, endpointId: 0 }).toEqual({ ...before, endpointId: 0 })
      expect(after!.endpointId).not.toBe(before!.endpointId)
      expect(world.store.dueEntries(after!.endpointId, start, 10).map(({ id }) => id)).toEqual([after!.id])
    }))

  it('cancelling ends what waits, and leaves what was delivered', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' })
      world.settle(world.rows()[0]!, accepted)
      world.poll(taskToken, { status: 'encoding' })
      const first = world.store.cancelSubscription(world.acme, id, start)
      const [{ subscriptionId } = { subscriptionId: 0 }] = world.rows()
      expect(first).toEqual({ subscriptionId, taskToken, released: [world.acme] })
      const again = world.store.cancelSubscription(world.acme, id, start)
      expect(again).toEqual({ subscriptionId, taskToken, released: [] })
      expect(told(world.rows())).toEqual(['task.queued delivered', 'task.encoding cancelled requested'])
      expect(world.store.subscription(world.acme, id)).toMatchObject({
        state: 'cancelled',
        stateReason: 'requested',
      })
      expect(world.store.streamState(world.acme, taskToken)).toMatchObject({ watching: false })
    }))

  it('a list by state has those that are shown in that state, whatever they went through', () =>
    on((empty) => {
      const world = openWorld(empty)
      for (const end of [null, 'completed']) {
        for (const endState of [null, 'expired', 'cancelled', 'completed'] as const) {
          for (const paused of [0, 1]) {
            const { taskToken } = world.subscribe()
            const ofTask = sql`task_token = ${taskToken}`
            world.db.update(subscriptions).set({ endState, paused }).where(ofTask).run()
            world.db.update(tasks).set({ end }).where(sql`token = ${taskToken}`).run()
          }
        }
      }
      const list = (state?: SubscriptionState) =>
        world.store.listSubscriptions(world.acme, { limit: 200, cursor: null, ...(state && { state }) }).data
      const shown = Map.groupBy(list(), ({ state }) => state)
      expect(shown.size).toBe(5)
      for (const [state, some] of shown) expect(list(state)).toEqual(some)
    }))

  it('a page goes on where it stood while rows are added', () =>
    on((empty) => {
      const world = openWorld(empty)
      const ids = Array.from({ length: 7 }, () => world.subscribe().id)
      const seen: string[] = []
      let cursor: string | null = null
      do {
        const page = world.store.listSubscriptions(world.acme, { limit: 3, cursor })
        seen.push(...page.data.map(({ id }) => id))
        cursor = page.nextCursor
        world.subscribe()
      } while (cursor !== null)
      expect(seen).toEqual(ids.toReversed())
      expect(one(world.store.listSubscriptions(world.other, head).data)).toBeUndefined()
      expect(() => world.store.listSubscriptions(world.acme, { limit: 3, cursor: 'nonsense' })).toThrow()
    }))

  it('a thousand registrations fit one commit, and all are watched', () =>
    on((empty) => {
      const { store, acme, newToken, db } = openWorld(empty)
      const inputs = Array.from({ length: 1000 }, () => inputOf(acme, newToken()))
      const { results } = store.subscribe(inputs, start, noQuota)
      expect(results.every(({ kind }) => kind === 'created')).toBe(true)
      expect(store.watchesAfter(firstWatch).watches).toHaveLength(1000)
      expect(store.countOpen(acme)).toBe(1000)
      expect(db.select({ id: subscriptions.id }).from(subscriptions).all()).toHaveLength(1000)
      expect(db.select({ token: tasks.token }).from(tasks).all()).toHaveLength(1000)
    }))

  it('polled tasks are read in parts: each once, those of one millisecond too, without the ended ones', () =>
    on((empty) => {
      const { store, acme, newToken, db } = openWorld(empty)
      const count = watchesPart + 300
      const inputs = Array.from({ length: count }, () => inputOf(acme, newToken()))
      const made = [0, 1].flatMap(
        (n) => store.subscribe(inputs.slice(n * 700, (n + 1) * 700), start + n, noQuota).results,
      )
      expect(made.every(({ kind }) => kind === 'created')).toBe(true)
      db.update(tasks).set({ polling: 0 }).where(sql`${tasks.token} = ${inputs[5]!.taskToken}`).run()
      const parts: string[][] = []
      let cursor: WatchCursor | null = firstWatch
      while (cursor !== null) {
        const part = store.watchesAfter(cursor)
        parts.push(part.watches.map(({ token }) => token))
        cursor = part.next
      }
      expect(parts.map(({ length }) => length)).toEqual([watchesPart, 299])
      expect(new Set(parts.flat())).toEqual(new Set(inputs.toSpliced(5, 1).map(({ taskToken }) => taskToken)))
    }))
}
