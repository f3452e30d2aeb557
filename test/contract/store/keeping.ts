/** Endpoints, owners' secrets and retention. */
import { expect, it } from 'vitest'
import { healthy } from '../../../src/core/endpoint.ts'
import { deleteMax } from '../../../src/store/retention.ts'
import { owners, subscriptions, tasks, transitions } from '../../../src/store/schema.ts'
import { accepted, type OnEmptyDatabase, openWorld, schedules, start, told, type World } from './fixture.ts'

export function endpointSuite(on: OnEmptyDatabase): void {
  it('an origin is one endpoint of its owner, and nobody else sees it', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { store, acme, other } = world
      for (const path of ['/a', '/b']) world.subscribe({ callbackUrl: `https://app.example.com${path}` })
      world.subscribe({ ownerId: other })
      const list = (owner: number) => store.listEndpoints(owner, { limit: 9, cursor: null }, start).data
      expect(list(acme).map(({ origin }) => origin)).toEqual(['https://app.example.com'])
      const { id } = list(acme)[0]!
      expect(store.endpoint(other, id, start)).toBeNull()
      expect(store.updateEndpoint(other, id, { paused: true }, start)).toBeNull()
      expect(store.updateEndpoint(acme, id, { paused: true, maxPerSecond: 2.5 }, start)).toMatchObject({
        record: { paused: true, maxPerSecond: 2.5, maxConcurrency: null },
        resumed: false,
      })
      expect(list(other)[0]).toMatchObject({ paused: false, maxPerSecond: null })
    }))

  it('its backlog counts what waits behind each head', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'queued' }, start + 1)
      world.poll(taskToken, { status: 'encoding' }, start + 2)
      const [endpoint] = world.store.listEndpoints(world.acme, { limit: 1, cursor: null }, start).data
      expect(endpoint).toMatchObject({ backlog: 2, oldestWaitingAt: start + 1, state: 'healthy' })
    }))

  it('what is due first is known of each, and of all', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { store, acme } = world
      expect([store.oldestDueAt(start), store.waitingEndpoints()]).toEqual([null, []])
      const subscribe = (name: string) => world.subscribe({ callbackUrl: `https://${name}.example.com/` })
      const [idle, late, early, paused] = ['idle', 'late', 'early', 'paused'].map(subscribe)
      world.poll(late!.taskToken, { status: 'queued' }, start + 2)
      world.poll(early!.taskToken, { status: 'queued' }, start + 1)
      world.poll(early!.taskToken, { status: 'encoding' }, start + 3)
      world.poll(paused!.taskToken, { status: 'queued' }, start)
      store.updateSubscription(acme, paused!.id, { state: 'paused' }, start)
      expect([0, 1, 2].map((ms) => store.oldestDueAt(start + ms))).toEqual([null, start + 1, start + 1])
      expect(store.waitingEndpoints().map(({ dueAt }) => dueAt)).toEqual([start + 2, start + 1])
      world.poll(idle!.taskToken, { status: 'queued' }, start)
      expect(store.oldestDueAt(start)).toBe(start)
      // What an operator pauses is not late.
      const [endpoint] = store
        .listEndpoints(acme, { limit: 10, cursor: null }, start)
        .data.filter(({ origin }) => origin === 'https://idle.example.com')
      store.updateEndpoint(acme, endpoint!.id, { paused: true }, start)
      expect(store.oldestDueAt(start + 2)).toBe(start + 1)
    }))

  it('what a pause held is due at its end as it was before, and not written', () =>
    on((empty) => {
      const world = openWorld(empty)
      world.poll(world.subscribe().taskToken, { status: 'queued' })
      const [endpoint] = world.store.listEndpoints(world.acme, { limit: 1, cursor: null }, start).data
      world.store.updateEndpoint(world.acme, endpoint!.id, { paused: true }, start)
      world.store.updateEndpoint(world.acme, endpoint!.id, { paused: false }, start + 60_000)
      expect(world.rows()[0]).toMatchObject({ dueAt: start, attempts: 0, state: 'pending' })
    }))

  it('what a pause held was not kept waiting by its endpoint, however long that fails', () =>
    on((empty) => {
      const { store, acme, subscribe } = openWorld(empty)
      subscribe()
      const [endpoint] = store.listEndpoints(acme, { limit: 1, cursor: null }, start).data
      const { endpointId: id } = store.updateEndpoint(acme, endpoint!.id, {}, start)!
      const health = { ...healthy, failures: 10, failingSince: start, unavailableSince: start }
      store.settleDeliveries([], { health: [{ id, health }], recovered: [] }, schedules, start)
      store.updateEndpoint(acme, endpoint!.id, { paused: true }, start)
      expect(store.endpointState(id)?.health.unavailableSince).toBe(start)
      store.updateEndpoint(acme, endpoint!.id, { paused: false }, start + 60_000)
      expect(store.endpointState(id)?.health).toMatchObject({
        failures: 10,
        unavailableSince: start + 60_000,
      })
    }))
}

export function ownerSuite(on: OnEmptyDatabase): void {
  it('a rotated secret signs beside the new one for the overlap, and no longer', () =>
    on((empty) => {
      const { store, acme, other } = openWorld(empty)
      expect(store.secretNumbers(acme, start)).toEqual([{ n: 1, expiresAt: null }])
      store.rotateSecret(acme, 1_000, start)
      expect(store.secretNumbers(acme, start + 999).map(({ n }) => n)).toEqual([2, 1])
      expect(store.secretNumbers(acme, start + 1_000).map(({ n }) => n)).toEqual([2])
      expect(store.secretNumbers(other, start).map(({ n }) => n)).toEqual([1])
    }))

  it('however often it rotates, five sign at most, and no number returns', () =>
    on((empty) => {
      const { store, acme } = openWorld(empty)
      for (let n = 0; n < 9; n++) store.rotateSecret(acme, 86_400_000, start)
      expect(store.secretNumbers(acme, start).map(({ n }) => n)).toEqual([10, 9, 8, 7, 6])
    }))

  it('a name keeps its number over a restart', () =>
    on((empty) => {
      const { acme, other } = openWorld(empty)
      const again = openWorld(empty)
      expect([again.acme, again.other]).toEqual([acme, other])
      expect(empty.db.select().from(owners).all()).toHaveLength(2)
    }))
}

/** Walks to the end. @returns what each commit deleted */
function forgetAll({ store }: World, before: number) {
  const commits = []
  for (let after: number | null = 0; after !== null; ) {
    const forgotten = store.forgetFinished(after, before)
    commits.push(forgotten)
    after = forgotten.after
  }
  return commits
}

export function retentionSuite(on: OnEmptyDatabase): void {
  it('a finished task goes with its history, and what is live or younger stays', () =>
    on((empty) => {
      const world = openWorld(empty)
      const [old, young, live] = [world.subscribe(), world.subscribe(), world.subscribe()]
      world.poll(old.taskToken, { status: 'completed' }, start + 1)
      world.settle(world.rows()[0]!, accepted, start + 1)
      world.poll(young.taskToken, { status: 'completed' }, start + 2)
      world.poll(live.taskToken, { status: 'encoding' }, start + 1)
      forgetAll(world, start + 1)
      const stateOf = ({ id }: { id: string }) => world.store.subscription(world.acme, id)?.state
      expect([old, young, live].map(stateOf)).toEqual([undefined, 'completed', 'active'])
      expect(world.store.task(world.acme, old.taskToken)).toBeNull()
      expect(told(world.rows())).toEqual(['task.completed pending', 'task.encoding pending'])
      expect(world.db.select().from(transitions).all()).toHaveLength(2)
    }))

  it('a paused subscription keeps its task', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'completed' })
      world.store.updateSubscription(world.acme, id, { state: 'paused' }, start)
      const paused = world.subscribe()
      world.store.updateSubscription(world.acme, paused.id, { state: 'paused' }, start)
      world.poll(paused.taskToken, { status: 'completed' })
      forgetAll(world, start + 1)
      expect(world.store.subscription(world.acme, paused.id)?.state).toBe('paused')
      expect(world.store.subscription(world.acme, id)).toBeNull()
    }))

  it('goes in small commits, over all owners', () =>
    on((empty) => {
      const world = openWorld(empty)
      for (const ownerId of [world.acme, world.other]) {
        for (let n = 0; n < 250; n++) {
          const { taskToken } = world.subscribe({ ownerId })
          for (const status of ['queued', 'encoding', 'completed']) world.poll(taskToken, { status })
        }
      }
      const commits = forgetAll(world, start + 1)
      expect(Math.max(...commits.map(({ deliveries }) => deliveries))).toBeLessThanOrEqual(deleteMax)
      expect(commits.reduce((sum, { tasks: gone }) => sum + gone, 0)).toBe(500)
      expect(commits.reduce((sum, { pending }) => sum + pending, 0)).toBe(1500)
      const { db } = world
      for (const table of [subscriptions, tasks, transitions]) {
        expect(db.select().from(table).limit(1).all()).toEqual([])
      }
      expect(world.rows()).toEqual([])
    }))

  it('one task with more deliveries than a commit takes is forgotten over several', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      for (let n = 0; n < deleteMax + 100; n++) world.store.sendTest(world.acme, id, start)
      world.poll(taskToken, { status: 'completed' })
      const [head] = world.rows()
      let first = world.store.forgetFinished(0, start + 1)
      while (first.deliveries === 0) first = world.store.forgetFinished(first.after!, start + 1)
      // What is left goes on to be sent until it goes too: its head is in it.
      expect(world.rows()[0]).toEqual(head)
      const commits = [first, ...forgetAll(world, start + 1)]
      expect(commits.map(({ deliveries }) => deliveries).filter((n) => n > 0)).toEqual([deleteMax, 101])
      expect(world.rows()).toEqual([])
    }))

  it.each([365 * 86_400_000, 2])(
    'what was made while the clock was ahead keeps nothing behind it, by %i ms',
    (ahead) =>
      on((empty) => {
        const world = openWorld(empty)
        for (let n = 0; n < 450; n++) world.subscribe({}, start + ahead)
        const { taskToken } = world.subscribe()
        world.poll(taskToken, { status: 'completed' })
        forgetAll(world, start + 1)
        expect(world.store.task(world.acme, taskToken)).toBeNull()
      }),
  )

  it('looks no further than what is young', () =>
    on((empty) => {
      const world = openWorld(empty)
      for (let n = 0; n < 450; n++) world.subscribe({}, start + n)
      expect(forgetAll(world, start)).toHaveLength(3)
    }))

  it('to cancel what had come to its end with its task keeps the task no longer', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'completed' })
      world.store.cancelSubscription(world.acme, id, start + 86_400_000)
      forgetAll(world, start + 1)
      expect(world.store.task(world.acme, taskToken)).toBeNull()
    }))
}
