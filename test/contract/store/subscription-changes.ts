/** Changing, ending, listing and watching subscriptions (CONTRACT §2). */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import type { SubscriptionState } from '../../../src/store/records.ts'
import { heldAt, subscriptions, tasks } from '../../../src/store/schema.ts'
import { firstWatch, type WatchCursor, watchesPart } from '../../../src/store/watches.ts'
import { accepted, inputOf, noQuota, type OnEmptyDatabase, openWorld, start, told } from './fixture.ts'

const one = (result: unknown[]) => result[0]
const head = { limit: 1, cursor: null }

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
      expect(world.store.waitingEndpoints()).toEqual([{ endpointId, ownerId: world.acme, dueAt: start + 5 }])
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
      for (const end of [null, 'completed'] as const) {
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
