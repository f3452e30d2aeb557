/** Deliberate bugs in what the store does: a verb that forgets, or one whose rows are spoiled after it. */
import type { Store } from '../../src/store/store.ts'
import type { Mutation } from './simulate.ts'
import type { World } from './world.ts'

/** After each run of a verb, writes that no relay would make. */
function spoiled<V extends 'recordPoll' | 'settleDeliveries' | 'redeliver'>(
  verb: V,
  sql: string,
): NonNullable<Mutation['store']> {
  return (store: Store, world: World) => {
    const run = store[verb] as (...given: unknown[]) => unknown
    const mutated = (...given: unknown[]) => {
      const result = run(...given)
      world.sqlite().exec(sql)
      return result
    }
    return { ...store, [verb]: mutated }
  }
}

export const brokenStores: Mutation[] = [
  {
    name: 'answers 201 for a subscription that is not on disk',
    rule: '4.1 registered is kept',
    store: (store, world) => ({
      ...store,
      subscribe(inputs, now, claims) {
        const done = store.subscribe(inputs, now, claims)
        const id = '(select max(id) from subscriptions)'
        world.sqlite().exec(`delete from deliveries where subscription_id = ${id};
          delete from subscriptions where id = ${id}`)
        return done
      },
    }),
  },
  {
    name: 'forgets to settle one attempt in five',
    rule: '4.1 attempts count when settled',
    shownBy: 23,
    store(store) {
      let n = 0
      return {
        ...store,
        settleDeliveries: (items, health, schedules, now) => {
          if (++n % 5 > 0) return store.settleDeliveries(items, health, schedules, now)
          return items.map(() => ({ state: 'delivered', ended: true, gone: null }))
        },
      }
    },
  },
  {
    name: 'loses the terminal event of a task',
    rule: '5 transitions',
    store: spoiled(
      'recordPoll',
      `delete from deliveries where type in ('task.completed', 'task.failed', 'task.cancelled')`,
    ),
  },
  {
    name: 'sends the newest event of a subscription first',
    rule: '4.2 in order',
    shownBy: 38,
    needs: ['fails', 'hangs'],
    store: spoiled(
      'recordPoll',
      `update deliveries set due_at = null where due_at is not null and rank = 2;
       update deliveries set due_at = next_attempt_at where state = 'pending' and rank = 2 and id in
         (select max(id) from deliveries where state = 'pending' and rank = 2 group by subscription_id)`,
    ),
  },
  {
    name: 'lets what follows go while the head waits for another try',
    rule: '4.2 in order',
    shownBy: 23,
    needs: ['fails'],
    store: spoiled(
      'settleDeliveries',
      `update deliveries set due_at = next_attempt_at where state = 'pending' and rank = 2 and due_at is null`,
    ),
  },
  {
    name: 'makes the next due without what follows it',
    rule: '4.6 every delivery ends',
    shownBy: 28,
    store: spoiled(
      'settleDeliveries',
      `update deliveries set due_at = null where state = 'pending' and rank = 2 and id not in
         (select min(id) from deliveries where state = 'pending' and rank = 2 group by subscription_id)`,
    ),
  },
  {
    name: 'supersedes the end of a task',
    rule: '4.3 latest state arrives',
    store: spoiled(
      'recordPoll',
      `update deliveries set state = 'superseded', state_reason = 'newer_event', finished_at = 1, due_at = null
         where state = 'pending' and rank = 2 and type = 'task.completed'`,
    ),
  },
  {
    name: 'supersedes status changes',
    rule: '4.3 only progress is superseded',
    needs: ['fails', 'hangs'],
    store: spoiled(
      'recordPoll',
      `update deliveries set state = 'superseded', state_reason = 'newer_event', finished_at = 1, due_at = null
         where state = 'pending' and due_at is null and type like 'task.%' and rank = 2`,
    ),
  },
  {
    name: 'never supersedes progress',
    rule: '4.3 latest wins',
    shownBy: 28,
    needs: ['fails'],
    store: (store) => ({
      ...store,
      recordPoll: (results, limits, now) => store.recordPoll(results, limits, now, () => true),
    }),
  },
  {
    name: 'forgets an open circuit with its memory',
    rule: '4.5 circuit',
    needs: ['fails', 'resets', 'crash', 'restart'],
    store: (store) => ({
      ...store,
      settleDeliveries: (items, _endpoints, schedules, now) =>
        store.settleDeliveries(items, { health: [], recovered: [] }, schedules, now),
    }),
  },
  {
    name: 'overlooks max_per_second',
    rule: '4.5 endpoint rate',
    shownBy: 23,
    needs: ['endpoints'],
    store: (store) => ({
      ...store,
      endpointState(id) {
        const endpoint = store.endpointState(id)
        return endpoint && { ...endpoint, maxPerSecond: null }
      },
    }),
  },
  {
    name: 'gives up what an endpoint has kept waiting only for a moment',
    rule: '4.5 endpoint_unavailable',
    shownBy: 5,
    needs: ['fails', 'hangs', 'resets', 'retryAfter'],
    store: (store) => ({
      ...store,
      exhaustKeptWaiting: (id, _before, now, limit) => store.exhaustKeptWaiting(id, now, now, limit),
    }),
  },
  {
    name: 'lets what waits for an endpoint wait on when that has recovered',
    rule: '4.5 no needless wait',
    shownBy: 16,
    needs: ['fails', 'hangs', 'resets'],
    store: (store) => ({
      ...store,
      endWaits: () => 0,
      settleDeliveries: (items, { health }, schedules, now) =>
        store.settleDeliveries(items, { health, recovered: [] }, schedules, now),
    }),
  },
  {
    name: 'plans a second try half a minute late',
    rule: '4.5 no needless wait',
    shownBy: 27,
    needs: ['fails', 'rejects'],
    store: (store, world) => ({
      ...store,
      settleDeliveries(items, health, schedules, now) {
        const settled = store.settleDeliveries(items, health, schedules, now)
        world
          .sqlite()
          .exec(`update deliveries set due_at = due_at + 30000, next_attempt_at = next_attempt_at + 30000
          where state = 'pending' and attempts = 1 and due_at < 4e15
            and id in (${items.map(({ delivery }) => delivery.id).join()})`)
        return settled
      },
    }),
  },
  {
    name: 'waits five minutes for each probe',
    rule: '4.5 no needless wait',
    shownBy: 16,
    needs: ['fails', 'resets'],
    store: (store) => ({
      ...store,
      settleDeliveries: (items, { health, recovered }, schedules, now) => {
        for (const { health: one } of health)
          if (one.nextProbeAt !== null && one.nextProbeAt > now) one.nextProbeAt = now + 300_000
        return store.settleDeliveries(items, { health, recovered }, schedules, now)
      },
    }),
  },
  {
    name: 'ends deliveries without a time',
    rule: '4.6 every delivery ends',
    store: spoiled('settleDeliveries', `update deliveries set finished_at = null where state = 'delivered'`),
  },
  {
    name: 'drops what failed once',
    rule: '4.6 every delivery ends',
    needs: ['fails'],
    store: spoiled(
      'settleDeliveries',
      `update deliveries set due_at = null where state = 'pending' and attempts > 0`,
    ),
  },
  {
    name: 'logs every failure as a 500',
    rule: '4.7 outcomes',
    needs: ['hangs', 'resets'],
    store: (store) => ({
      ...store,
      settleDeliveries: (items, health, schedules, now) => {
        const lied = items.map((item) =>
          item.outcome.kind === 'accepted'
            ? item
            : {
                ...item,
                outcome: { kind: 'rejected' as const, statusCode: 500, retryAfter: null, responseBody: null },
              },
        )
        return store.settleDeliveries(lied, health, schedules, now)
      },
    }),
  },
  {
    name: 'lets a redelivery wait its turn',
    rule: '4.8 redelivery',
    shownBy: 39,
    needs: ['redeliver', 'fails'],
    store: spoiled('redeliver', `update deliveries set rank = 2, due_at = null where rank = 1`),
  },
  {
    name: 'forgets at a redelivery that it was accepted before',
    rule: '4.4 success is 2xx',
    shownBy: 23,
    needs: ['redeliver', 'fails', 'rejects'],
    store: spoiled('redeliver', `update deliveries set accepted_at = null where state = 'pending'`),
  },
  {
    name: 'forgets that a subscription ended with its task',
    rule: '2 quota',
    shownBy: 24,
    store: (store) => ({
      ...store,
      recordPoll: (...of) => store.recordPoll(...of).map((record) => ({ ...record, released: [] })),
    }),
  },
]
