/** Settling what was tried: an attempt counts when it is settled (DESIGN §3.6). */
import { and, eq, gt, sql } from 'drizzle-orm'
import { type Decision, decide, isGone, type Schedules } from '../core/delivery.ts'
import type { EndpointHealth } from '../core/endpoint.ts'
import type { Outcome } from '../core/outcome.ts'
import { appendAttempt, firstAttempt } from './attempt-log.ts'
import type { StoreContext } from './context.ts'
import type { DueDelivery } from './due.ts'
import type { EndpointVerbs } from './endpoints.ts'
import { firstBy, isEvent, isPending, isRegular, key, listed, value } from './literals.ts'
import type { OutboxVerbs } from './outbox.ts'
import type { DeliveryState } from './records.ts'
import { deliveries, heldAt, subscriptions } from './schema.ts'
import type { Cancelled, SubscriptionVerbs } from './subscriptions.ts'
import { inTransaction } from './transaction.ts'
import { endWaitsMax, type WaitVerbs } from './waits.ts'

export interface Settlement {
  delivery: Pick<DueDelivery, 'id' | 'attempts'>
  outcome: Outcome
  /** When the attempt started. */
  at: number
  durationMs: number
  url: string
  chance: number
  /** While the attempt was under way (CONTRACT §4.8). */
  askedAgain?: boolean
  /** It failed before the success that ended the outage, but is written after it: due now, not at its next try (CONTRACT §4.5). */
  recoveredSince?: boolean
}

export interface Settled {
  /** `unknown`: it is not there any more, or was settled before. */
  state: DeliveryState | 'unknown'
  /** By this attempt: what was cancelled or superseded while it was under way had ended before. */
  ended: boolean
  /** The subscription was ended by a 410. */
  gone: Cancelled | null
}

export interface EndpointChanges {
  health: readonly { id: number; health: EndpointHealth }[]
  /** What waits for them is due, but for what failed since they recovered. */
  recovered: readonly { id: number; failedSince: readonly number[] }[]
}

const settleColumns = {
  id: deliveries.id,
  subscriptionId: deliveries.subscriptionId,
  endpointId: deliveries.endpointId,
  type: deliveries.type,
  rank: deliveries.rank,
  state: deliveries.state,
  stateReason: deliveries.stateReason,
  attempts: deliveries.attempts,
  scheduleFrom: deliveries.scheduleFrom,
  acceptedAt: deliveries.acceptedAt,
  dueAt: deliveries.dueAt,
  finishedAt: deliveries.finishedAt,
  attemptLog: deliveries.attemptLog,
  paused: subscriptions.paused,
}

export function settlingVerbs(
  context: StoreContext,
  verbs: {
    outbox: OutboxVerbs
    endpoints: EndpointVerbs
    waits: WaitVerbs
    subscriptions: SubscriptionVerbs
  },
) {
  const { db } = context
  const { untouched, acceptFirst, forSettling, newer, write } = settleStatements(db)

  /**
   * What nearly always happens: the first attempt of a head that nothing has touched meanwhile was accepted. What follows
   * it is due already, so one statement settles it. A subscription has one attempt at a time, so none spoils another.
   */
  function acceptedAtFirst(items: readonly Settlement[]): ReadonlySet<number> {
    const ids = items
      .filter(({ delivery, outcome }) => outcome.kind === 'accepted' && delivery.attempts === 0)
      .map(({ delivery }) => delivery.id)
    return new Set(untouched.all({ ids: JSON.stringify(ids) }).map(({ id }) => id))
  }

  function settleFirstAccepted(item: Settlement, now: number): Settled {
    const attemptLog = firstAttempt({ ...item, attempt: 1 })
    acceptFirst.run({ id: item.delivery.id, now, attemptLog })
    return { state: 'delivered', ended: true, gone: null }
  }

  /** Whatever becomes of the delivery the attempt is counted and logged; a 410 to any ends its subscription. */
  function settleOne(item: Settlement, schedules: Schedules, now: number): Settled {
    const row = forSettling.get({ id: item.delivery.id })
    // Gone with its task by retention, or settled already: there is nothing left to count the attempt on.
    if (row === undefined || row.attempts !== item.delivery.attempts) {
      return { state: 'unknown', ended: false, gone: null }
    }
    const attempts = row.attempts + 1
    const attempt = {
      id: row.id,
      attempts,
      acceptedAt: row.acceptedAt ?? (item.outcome.kind === 'accepted' ? now : null),
      attemptLog: appendAttempt(row.attemptLog, { ...item, attempt: attempts }),
    }
    const wasPending = row.state === 'pending'
    const next = wasPending ? columnsAfter(item, { ...row, ...attempt }, schedules, now) : columnsOfEnded(row)
    write.run({ ...attempt, ...next })
    const gone = isGone(item.outcome) ? verbs.subscriptions.cancelGone(row.subscriptionId, now) : null
    const ended = wasPending && next.state !== 'pending'
    const wasHead = wasPending && row.dueAt !== null
    // Of a subscription that is gone nothing waits any more.
    if (wasHead && gone === null) {
      if (ended) verbs.outbox.promoteNext(row)
      // What follows an untried head is due with it: no longer, now that this one has failed.
      else if (attempts === 1) verbs.outbox.holdFollowers(row)
    }
    return { state: next.state, ended, gone }
  }

  /** What becomes of a pending one. @param row with the attempt counted already */
  function columnsAfter(item: Settlement, row: SettlingRow, schedules: Schedules, now: number) {
    const { id, subscriptionId, type, rank, acceptedAt } = row
    const tries = row.attempts - row.scheduleFrom
    const accepted = item.outcome.kind === 'accepted'
    // Nothing else gives way to a newer event, so for nothing else it is looked for.
    const mayGiveWay = type === 'task.progress' && !accepted
    const newerExists = mayGiveWay && newer.get({ subscriptionId, id }) !== undefined
    const delivery = { type, rank, tries, everAccepted: acceptedAt !== null, newerExists }
    const bySchedule = decide(delivery, item.outcome, { schedules, now, chance: item.chance })
    const isDueAgain = item.askedAgain === true && !accepted && !isGone(item.outcome)
    const waitsNoLonger = item.recoveredSince === true && bySchedule.state === 'pending'
    if (!isDueAgain && !waitsNoLonger) return columnsOf(bySchedule, row, now)
    // What the attempt would have ended has a whole schedule before it again.
    const scheduleFrom = bySchedule.state === 'pending' ? row.scheduleFrom : row.attempts
    return columnsOf({ state: 'pending', nextAttemptAt: now }, { ...row, scheduleFrom }, now)
  }

  return {
    /**
     * Attempts that ended together, in one commit, with the endpoints' health that follows from them. Of what waits for those
     * that recovered the first become due; `endWaits` goes on.
     */
    settleDeliveries(
      items: readonly Settlement[],
      endpoints: EndpointChanges,
      schedules: Schedules,
      now: number,
    ): Settled[] {
      return inTransaction(db, () => {
        const easy = acceptedAtFirst(items)
        const settled = items.map((item) =>
          easy.has(item.delivery.id) ? settleFirstAccepted(item, now) : settleOne(item, schedules, now),
        )
        let max = endWaitsMax
        for (const { id, health } of endpoints.health) verbs.endpoints.saveHealth(id, health)
        for (const { id, failedSince } of endpoints.recovered) {
          max -= verbs.waits.endWaits(id, now, { except: failedSince, max })
        }
        return settled
      })
    },
  }
}

type SettlingRow = NonNullable<ReturnType<ReturnType<typeof settleStatements>['forSettling']['get']>>

/** It was cancelled or superseded while the attempt was under way, and stays so. */
function columnsOfEnded({ state, stateReason, finishedAt, scheduleFrom }: SettlingRow) {
  return { state, reason: stateReason, nextAttemptAt: null, dueAt: null, finishedAt, scheduleFrom }
}

function columnsOf(
  decision: Decision,
  row: Pick<SettlingRow, 'dueAt' | 'paused' | 'scheduleFrom'>,
  now: number,
) {
  const { scheduleFrom } = row
  if (decision.state === 'pending') {
    const { nextAttemptAt } = decision
    // What lost its place as head while it was being sent keeps only its planned time.
    const dueAt = row.dueAt === null || row.paused === 1 ? row.dueAt : nextAttemptAt
    return { state: 'pending' as const, reason: null, nextAttemptAt, dueAt, finishedAt: null, scheduleFrom }
  }
  const reason = 'reason' in decision ? decision.reason : null
  return { state: decision.state, reason, nextAttemptAt: null, dueAt: null, finishedAt: now, scheduleFrom }
}

function settleStatements(db: StoreContext['db']) {
  const forSettling = db
    .select(settleColumns)
    .from(deliveries)
    .innerJoin(subscriptions, eq(subscriptions.id, deliveries.subscriptionId))
    .where(eq(deliveries.id, key('id')))
    .prepare()
  const untouched = db
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(
      and(
        sql`${deliveries.id} in ${listed('ids')}`,
        isPending,
        isRegular,
        sql`${deliveries.attempts} = 0`,
        sql`${deliveries.dueAt} < ${sql.raw(String(heldAt))}`,
      ),
    )
    .prepare()
  const acceptFirst = db
    .update(deliveries)
    .set({
      state: sql`'delivered'`,
      attempts: sql`1`,
      nextAttemptAt: sql`null`,
      dueAt: sql`null`,
      acceptedAt: value('now'),
      finishedAt: value('now'),
      attemptLog: value('attemptLog'),
    })
    .where(eq(deliveries.id, key('id')))
    .prepare()
  const newer = db
    .select({ id: deliveries.id })
    .from(deliveries)
    .where(and(eq(deliveries.subscriptionId, key('subscriptionId')), gt(deliveries.id, key('id')), isEvent))
    .orderBy(firstBy(sql`${deliveries.id}`))
    .prepare()
  const write = db
    .update(deliveries)
    .set({
      state: value('state'),
      stateReason: value('reason'),
      attempts: value('attempts'),
      nextAttemptAt: value('nextAttemptAt'),
      dueAt: value('dueAt'),
      acceptedAt: value('acceptedAt'),
      finishedAt: value('finishedAt'),
      scheduleFrom: value('scheduleFrom'),
      attemptLog: value('attemptLog'),
    })
    .where(eq(deliveries.id, key('id')))
    .prepare()
  return { untouched, acceptFirst, forSettling, newer, write }
}
