/** What becomes of a poll: transitions and the outbox (CONTRACT §3, §5). */
import { expect, it } from 'vitest'
import { parseStatusEntry } from '../../../src/core/snapshot.ts'
import { transitions } from '../../../src/store/schema.ts'
import { accepted, limits, nothingInFlight, type OnEmptyDatabase, openWorld, start, told } from './fixture.ts'

export function pollSuite(on: OnEmptyDatabase): void {
  it('a snapshot, its transitions and their deliveries land together or not at all', () =>
    on((empty) => {
      const world = openWorld(empty)
      const [first, second] = [world.subscribe(), world.subscribe()]
      const answer = (status: string) =>
        ({ kind: 'known', observation: parseStatusEntry({ status }), statusUrl: null }) as const
      const results = [first, second].map(({ taskToken }) => ({
        token: taskToken,
        answer: answer('queued'),
        polledAt: start,
      }))
      const broken = { ...results[1]!, answer: { ...results[1]!.answer, kind: 'nonsense' as 'known' } }
      const record = (all: typeof results) => world.store.recordPoll(all, limits, start, nothingInFlight)
      expect(() => record([results[0]!, broken])).toThrow()
      expect(world.rows()).toEqual([])
      expect(world.db.select().from(transitions).all()).toEqual([])
      expect(record(results).map(({ queued }) => queued.length)).toEqual([1, 1])
      expect(told(world.rows())).toEqual(['task.queued pending', 'task.queued pending'])
      expect(world.store.transitionsAfter(first.taskToken, 0, 9)).toHaveLength(1)
    }))

  it('a task that is in one group twice is judged by what the results before made of it', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken: token } = world.subscribe()
      const percents = [1, 2, 2].map((percent) => ({ status: 'encoding', percent }))
      const results = [...percents, { status: 'completed' }, { status: 'encoding' }].map((said) => {
        const answer = { kind: 'known', observation: parseStatusEntry(said), statusUrl: null } as const
        return { token, polledAt: start, answer }
      })
      const records = world.store.recordPoll(results, limits, start, nothingInFlight)
      expect(records.map(({ changes }) => changes.length)).toEqual([1, 1, 0, 1, 0])
      expect(told(world.rows())).toEqual([
        'task.encoding pending',
        'task.progress superseded newer_event',
        'task.completed pending',
      ])
    }))

  it('each subscription is told when its own step is crossed', () =>
    on((empty) => {
      const world = openWorld(empty)
      const fine = world.subscribe({ percentStep: 10 })
      const { taskToken } = fine
      const coarse = world.subscribe({ taskToken, percentStep: 50, callbackUrl: 'https://two.example.com/' })
      world.poll(taskToken, { status: 'encoding', percent: 5 })
      expect(world.poll(taskToken, { status: 'encoding', percent: 9.9 }).changes).toEqual([])
      for (const percent of [10, 45, 50]) world.poll(taskToken, { status: 'encoding', percent })
      const seqsOf = (id: string) =>
        world.store
          .listDeliveries(world.acme, { limit: 9, cursor: null, subscriptionId: id, type: 'task.progress' })
          .data.map(({ seq }) => seq)
      expect(seqsOf(fine.id)).toEqual([4, 3, 2])
      expect(seqsOf(coarse.id)).toEqual([4])
    }))

  it('waiting progress is superseded by what is newer, a status change never, nor what is being sent', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      for (const percent of [1, 2, 3]) world.poll(taskToken, { status: 'encoding', percent })
      const sent = world.rows().at(-1)!.id
      const answer = parseStatusEntry({ status: 'encoding', percent: 4 })
      const polled = { token: taskToken, polledAt: start } as const
      const known = { kind: 'known', observation: answer, statusUrl: null } as const
      world.store.recordPoll([{ ...polled, answer: known }], limits, start, (id) => id === sent)
      expect(told(world.rows())).toEqual([
        'task.encoding pending',
        'task.progress superseded newer_event',
        'task.progress pending',
        'task.progress pending',
      ])
      expect(world.rows().map(({ dueAt }) => dueAt)).toEqual([start, null, start, start])
    }))

  it.each([0, 1])(
    'after a crash no progress that was being sent stays beside what is newer, also behind a test, %i of them delivered before',
    (testsBefore) =>
      on((empty) => {
        const world = openWorld(empty)
        const { id, taskToken } = world.subscribe()
        world.poll(taskToken, { status: 'encoding', percent: 1 })
        world.settle(world.rows()[0]!, accepted)
        world.poll(taskToken, { status: 'encoding', percent: 2 })
        for (let n = 0; n < testsBefore; n++) {
          world.store.sendTest(world.acme, id, start)
          world.settle(world.rows().at(-1)!, accepted)
        }
        world.store.sendTest(world.acme, id, start)
        const observation = parseStatusEntry({ status: 'encoding', percent: 3 })
        const answer = { kind: 'known', observation, statusUrl: null } as const
        world.store.recordPoll([{ token: taskToken, polledAt: start, answer }], limits, start, () => true)
        world.store.supersedeStale(start)
        expect(told(world.rows())).toEqual([
          'task.encoding delivered',
          'task.progress superseded newer_event',
          ...Array(testsBefore).fill('pollhook.test delivered'),
          'pollhook.test pending',
          'task.progress pending',
        ])
        expect(world.rows().flatMap(({ dueAt }) => dueAt ?? [])).toEqual([start])
      }),
  )

  it('after a crash progress that was being sent is sent again where only a test came after it', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      for (const percent of [1, 2]) world.poll(taskToken, { status: 'encoding', percent })
      world.settle(world.rows()[0]!, accepted)
      world.store.sendTest(world.acme, id, start)
      world.store.supersedeStale(start)
      expect(told(world.rows())).toEqual([
        'task.encoding delivered',
        'task.progress pending',
        'pollhook.test pending',
      ])
    }))

  it('a poll that changes nothing writes nothing', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { taskToken } = world.subscribe()
      world.poll(taskToken, { status: 'encoding', percent: 5 })
      const before = world.store.watchesOf([taskToken])
      const again = world.poll(taskToken, { status: 'encoding', percent: 5.5 }, start + 5_000)
      expect(again).toMatchObject({ changes: [], queued: [] })
      expect(world.store.watchesOf([taskToken])).toEqual(before)
    }))

  it('a token that is unknown for long enough is lost, and polled anew for a new registration', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe()
      const unknown = { kind: 'unknown', askAlone: false } as const
      expect(world.poll(taskToken, unknown).changes).toEqual([])
      const late = world.poll(taskToken, unknown, start + limits.lostAfterMs)
      expect(late.changes.map(({ type }) => type)).toEqual(['task.lost'])
      expect(late.watch).toBeNull()
      world.subscribe({ taskToken }, start + limits.lostAfterMs)
      world.poll(taskToken, { status: 'encoding' }, start + limits.lostAfterMs)
      expect(world.store.subscription(world.acme, id)?.state).toBe('completed')
      expect(world.rows().map(({ type }) => type)).toEqual(['task.lost', 'task.encoding'])
    }))

  it('a subscription expires after one last poll, of which an end wins', () =>
    on((empty) => {
      const world = openWorld(empty)
      const [slow, done] = [world.subscribe({ expiresInMs: 1_000 }), world.subscribe({ expiresInMs: 1_000 })]
      world.poll(slow.taskToken, { status: 'encoding' }, start + 1_000)
      world.poll(done.taskToken, { status: 'completed' }, start + 1_000)
      expect(world.rows().map(({ type, seq }) => [type, seq])).toEqual([
        ['task.encoding', 1],
        ['task.expired', 2],
        ['task.completed', 1],
      ])
      const stateOf = ({ id }: { id: string }) => world.store.subscription(world.acme, id)?.state
      expect([stateOf(slow), stateOf(done)]).toEqual(['expired', 'completed'])
    }))

  it('who does not want to be told of it expires in silence', () =>
    on((empty) => {
      const world = openWorld(empty)
      const { id, taskToken } = world.subscribe({ expiresInMs: 1_000, events: ['task.completed'] })
      world.poll(taskToken, { status: 'encoding' }, start + 1_000)
      expect(world.rows()).toEqual([])
      expect(world.store.subscription(world.acme, id)?.state).toBe('expired')
    }))
}
