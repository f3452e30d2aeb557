/**
 * A store over an empty database, with a few words for what its tests do. Knows neither driver: the runtime
 * gives the database.
 */
import { getTableColumns, sql } from 'drizzle-orm'
import { expect } from 'vitest'
import type { Schedules } from '../../../src/core/delivery.ts'
import type { Place } from '../../../src/core/ids.ts'
import type { Outcome } from '../../../src/core/outcome.ts'
import { parseStatusEntry } from '../../../src/core/snapshot.ts'
import type { StoreContext } from '../../../src/store/context.ts'
import { type MigrationFolder, migrate } from '../../../src/store/migrate.ts'
import type { InFlight } from '../../../src/store/outbox.ts'
import type { PollAnswer } from '../../../src/store/poll-answer.ts'
import type { PollRecord } from '../../../src/store/polls.ts'
import type { Claims, SubscriptionInput, SubscriptionRecord } from '../../../src/store/records.ts'
import { deliveries, type subscriptions } from '../../../src/store/schema.ts'
import { createStore, type Store } from '../../../src/store/store.ts'
import type { Database } from '../../../src/store/transaction.ts'

export interface EmptyDatabase {
  db: Database
  migrations: MigrationFolder
}

/** Runs `work` on an empty database of the runtime's own, and throws it away. */
export type OnEmptyDatabase = (work: (empty: EmptyDatabase) => void) => Promise<void>

export const start = Date.parse('2026-11-23T10:00:00.000Z')
export const place: Place = { generation: 1, shard: 0 }
export const schedules: Schedules = { terminalMs: [5_000, 300_000], interimMs: [5_000] }
export const limits = { lostAfterMs: 600_000, stalledAfterMs: 150_000, pollMsMax: 40_000 }
export const accepted: Outcome = { kind: 'accepted', statusCode: 204, responseBody: null }
export const nothingInFlight: InFlight = () => false

export function rejected(statusCode: number): Outcome {
  return { kind: 'rejected', statusCode, retryAfter: null, responseBody: null }
}

export type DeliveryRow = typeof deliveries.$inferSelect

export interface World {
  db: Database
  store: Store
  /** Owner numbers. */
  acme: number
  other: number
  /** A task token that no other call of this gave. */
  newToken(): string
  subscribe(more?: Partial<SubscriptionInput>, now?: number): SubscriptionRecord
  poll(token: string, answer: PollAnswer | Record<string, unknown>, now?: number): PollRecord
  /** The outcome of one attempt of this delivery, `attempts` before it. */
  settle(row: Pick<DeliveryRow, 'id' | 'attempts'>, outcome: Outcome, now?: number, by?: Schedules): string
  /** All deliveries, oldest first. */
  rows(): DeliveryRow[]
}

export function inputOf(ownerId: number, taskToken: string): SubscriptionInput {
  return {
    ownerId,
    taskToken,
    callbackUrl: 'https://app.example.com/hooks',
    statusUrl: null,
    events: ['*'],
    percentStep: 1,
    metadata: {},
    secret: null,
    expiresInMs: 86_400_000,
  }
}

/** Bound to the subscription like the real one, and readable in a failing test. */
const vault: StoreContext['vault'] = {
  seal: (id, secret) => `${id} ${secret}`,
  open(id, sealed) {
    if (!sealed.startsWith(`${id} `)) throw new Error('sealed for another subscription')
    return sealed.slice(id.length + 1)
  },
}

function isAnswer(answer: PollAnswer | Record<string, unknown>): answer is PollAnswer {
  return 'kind' in answer
}

export const noQuota: Claims = { exceeded: () => null, made: () => {} }

/** Of no endpoint. */
export const noChanges = { health: [], recovered: [] }

export function openWorld({ db, migrations }: EmptyDatabase): World {
  migrate(db, migrations)
  let made = 0
  const next = (length: number, base: number) => (++made).toString(base).padStart(length, '0')
  const store = createStore({
    db,
    place,
    vault,
    randomText: (length) => next(length, 36),
    endpointPublicId: (owner, origin) => `ep_${owner}_${origin}`,
  })
  const [acme = 0, other = 0] = store.ensureOwners(['acme', 'other']).map(({ id }) => id)
  const newToken = () => next(32, 16)
  const all = db.select().from(deliveries).orderBy(sql`${deliveries.id}`).prepare()
  return {
    db,
    store,
    acme,
    other,
    newToken,
    subscribe(more = {}, now = start) {
      const [result] = store.subscribe([{ ...inputOf(acme, newToken()), ...more }], now, noQuota).results
      if (result?.kind !== 'created') expect.fail(`not created: ${JSON.stringify(result)}`)
      return result.subscription
    },
    poll(token, answer, now = start) {
      const said: PollAnswer = isAnswer(answer)
        ? answer
        : { kind: 'known', observation: parseStatusEntry(answer), statusUrl: null }
      const [record] = store.recordPoll(
        [{ token, answer: said, polledAt: now }],
        limits,
        now,
        nothingInFlight,
      )
      return record ?? expect.fail('no record of a poll')
    },
    settle(delivery, outcome, now = start, by = schedules) {
      const attempt = { at: now, durationMs: 12, url: 'https://app.example.com/hooks', chance: 0.5 }
      const [settled] = store.settleDeliveries([{ delivery, outcome, ...attempt }], noChanges, by, now)
      return settled?.state ?? expect.fail('nothing was settled')
    },
    rows: () => all.all(),
  }
}

/** `type state`, with the reason where there is one. */
export function told(rows: readonly DeliveryRow[]): string[] {
  return rows.map(({ type, state, stateReason }) => [type, state, stateReason ?? []].flat().join(' '))
}

/** Copies of the newest row with the numbers behind it, after a gap: what retention leaves. */
export function addRows(
  world: World,
  table: typeof deliveries | typeof subscriptions,
  count: number,
  gap = 0,
): void {
  const names = Object.values(getTableColumns(table)).map(({ name }) => name)
  const others = sql.raw(names.filter((name) => name !== 'id').join(', '))
  world.db.run(sql`with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ${count})
    insert into ${table} (id, ${others}) select newest.id + ${gap} + counted.n, ${others}
    from counted, (select * from ${table} order by id desc limit 1) newest`)
}
