/** A back-up that was put back: what is numbered from then on stands above all that the lost database may have given out. */
import { expect, it } from 'vitest'
import { markRestored } from '../../../src/store/numbering.ts'
import { type OnEmptyDatabase, openWorld, start, type World } from './fixture.ts'

const day = 86_400_000
/** Worlds on one database would give the same one. */
const otherToken = 'b'.repeat(32)
const long = { expiresInMs: 30 * day }

/** Seq, webhook id and body of each delivery, oldest first. */
function sent(world: World) {
  return world.rows().map(({ seq, webhookId, type, body }) => {
    const { previous } = JSON.parse(body).data as { previous: { status: string } | null }
    return { type, seq, webhookId, previous: previous?.status ?? null }
  })
}

export function numberingSuite(on: OnEmptyDatabase): void {
  it('a task of the copy goes on far above what it was told, under webhook ids of its own', () =>
    on((empty) => {
      const before = openWorld(empty)
      const { taskToken, id } = before.subscribe(long)
      before.poll(taskToken, { status: 'encoding' }, start + 1)
      const { seq: above, tasks } = markRestored(empty.db, start + 60_000)
      expect(tasks).toBe(1)
      expect(above).toBeGreaterThan(1_000_000)
      const world = openWorld(empty)
      world.poll(taskToken, { status: 'saving' }, start + 60_001)
      world.poll(taskToken, { status: 'completed' }, start + 60_002)
      const suffix = id.slice('sub_'.length)
      expect(sent(world)).toEqual([
        { type: 'task.encoding', seq: 1, webhookId: `msg_${suffix}_1`, previous: null },
        {
          type: 'task.saving',
          seq: above + 1,
          webhookId: `msg_${suffix}_${above + 1}`,
          previous: 'encoding',
        },
        {
          type: 'task.completed',
          seq: above + 2,
          webhookId: `msg_${suffix}_${above + 2}`,
          previous: 'saving',
        },
      ])
    }))

  it('so does one that the copy knows nothing of yet, and its first event has nothing before it', () =>
    on((empty) => {
      const { taskToken } = openWorld(empty).subscribe(long)
      const { seq } = markRestored(empty.db, start + 1)
      const world = openWorld(empty)
      world.poll(taskToken, { status: 'encoding' }, start + 2)
      expect(sent(world)).toMatchObject([{ seq: seq + 1, previous: null }])
    }))

  it('an expiry stands above too', () =>
    on((empty) => {
      const { taskToken } = openWorld(empty).subscribe({ expiresInMs: day })
      const { seq } = markRestored(empty.db, start + 1)
      const world = openWorld(empty)
      world.poll(taskToken, { status: null }, start + day + 1)
      expect(sent(world)).toMatchObject([{ type: 'task.expired', seq: seq + 1 }])
    }))

  it('a task made afterwards counts from 1, and without a restore every task does', () =>
    on((empty) => {
      const before = openWorld(empty)
      const first = before.subscribe(long)
      before.poll(first.taskToken, { status: 'encoding' })
      markRestored(empty.db, start + 1)
      const world = openWorld(empty)
      const later = world.subscribe({ ...long, taskToken: otherToken }, start + 2)
      world.poll(later.taskToken, { status: 'encoding' }, start + 3)
      expect(sent(world).map(({ seq }) => seq)).toEqual([1, 1])
    }))

  it('the same copy put back once more gives out no number of the first time', () =>
    on((empty) => {
      const first = openWorld(empty).subscribe(long)
      const once = markRestored(empty.db, start + day)
      // All that the second copy lacks is what the relay wrote since: here nothing.
      const between = openWorld(empty).subscribe({ ...long, taskToken: otherToken }, start + day + 1)
      const again = markRestored(empty.db, start + 2 * day)
      expect(again.seq).toBe(once.seq + day / 1000)
      const world = openWorld(empty)
      for (const { taskToken } of [first, between])
        world.poll(taskToken, { status: 'encoding' }, start + 2 * day)
      expect(sent(world).map(({ seq }) => seq)).toEqual([again.seq + 1, again.seq + 1])
    }))

  it('a clock that is behind leaves no task out and takes no number back', () =>
    on((empty) => {
      const { taskToken } = openWorld(empty).subscribe(long, start + 1)
      const right = markRestored(empty.db, start)
      const world = openWorld(empty)
      world.poll(taskToken, { status: 'encoding' }, start + day)
      expect(sent(world)).toMatchObject([{ seq: right.seq + 1 }])
      const later = markRestored(empty.db, start + day)
      expect(markRestored(empty.db, start)).toEqual(later)
    }))

  it('deliveries made afterwards have ids that no delivery had', () =>
    on((empty) => {
      const before = openWorld(empty)
      const { id, taskToken } = before.subscribe(long)
      before.poll(taskToken, { status: 'encoding' }, start)
      const known = before.rows().at(-1)!.id
      const { row } = markRestored(empty.db, start + day)
      const world = openWorld(empty)
      world.poll(taskToken, { status: 'saving' }, start + day + 1)
      world.store.sendTest(world.acme, id, start + day + 2)
      const [first, ...made] = world.rows().map((one) => one.id)
      expect(first).toBe(known)
      expect(made.map((one) => one - known)).toEqual([row, row + 1])
      // They are in order, and pages go over the gap.
      const page = world.store.listDeliveries(world.acme, { limit: 2, cursor: null })
      const rest = world.store.listDeliveries(world.acme, { limit: 2, cursor: page.nextCursor })
      expect([page, rest].flatMap(({ data }) => data.map(({ seq }) => seq))).toEqual([
        null,
        expect.any(Number),
        1,
      ])
    }))

  it('a stream goes on over the gap, from a seq on either side and from one that the copy never knew', () =>
    on((empty) => {
      const before = openWorld(empty)
      const { taskToken } = before.subscribe(long)
      before.poll(taskToken, { status: 'queued' })
      before.poll(taskToken, { status: 'encoding' })
      const { seq } = markRestored(empty.db, start + 1)
      const world = openWorld(empty)
      world.poll(taskToken, { status: 'saving' }, start + 2)
      const after = (from: number) =>
        world.store
          .transitionsAfter(taskToken, from, 9)
          .map((event) => [event.seq, event.status, event.previous?.status ?? null])
      const last = [seq + 1, 'saving', 'encoding']
      expect(after(0)).toEqual([[1, 'queued', null], [2, 'encoding', 'queued'], last])
      for (const from of [2, 3, seq]) expect(after(from)).toEqual([last])
      expect(after(seq + 1)).toEqual([])
      const shown = world.store.task(world.acme, taskToken)?.transitions
      expect(shown?.map((event) => event.seq)).toEqual([1, 2, seq + 1])
      expect(world.store.transitionsAfter(taskToken, 0, 1).map((event) => event.seq)).toEqual([1])
    }))
}
