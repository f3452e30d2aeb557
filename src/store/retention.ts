/**
 * Forgetting finished tasks (CONTRACT §5.8). No index helps: subscriptions lie by owner in the order they were
 * made, so the old ones are at the front, and a walk from there finds what may go. It ends where a whole look has none,
 * nor what was made while the clock was ahead.
 */
import { and, asc, desc, eq, gt, lt, or, sql } from 'drizzle-orm'
import { ownerFloor, ownerOfRow } from '../core/ids.ts'
import type { StoreContext } from './context.ts'
import { firstBy, key } from './literals.ts'
import type { OutboxVerbs } from './outbox.ts'
import { deliveries, owners, subscriptions, tasks as taskTable, transitions } from './schema.ts'
import { inState } from './subscription-view.ts'
import type { TaskRow, TaskVerbs } from './tasks.ts'
import { afterCommit, inTransaction } from './transaction.ts'

/** One commit looks at so many subscriptions and deletes so many deliveries at most. */
const subscriptionsMax = 200
export const deleteMax = 400

export interface Forgotten {
  tasks: number
  deliveries: number
  /** Of those, still pending: they end with their task. */
  pending: number
  /** Give it back to go on; null when the walk is over. */
  after: number | null
}

export function retentionVerbs(
  { db, onFinished }: StoreContext,
  verbs: { tasks: TaskVerbs; outbox: Pick<OutboxVerbs, 'keepNumber'> },
) {
  const { waiter, lastEnd, nextOwnerId, oldest, newest, deleteDeliveries, deleteRest } =
    retentionStatements(db)

  /** Has nobody waited for the task since then? Very many may follow it, of whom as few as can be are read. */
  function isFinished({ token, endedAt }: TaskRow, before: number): boolean {
    if ((endedAt ?? 0) > before || waiter.get({ token }) !== undefined) return false
    return (lastEnd.get({ token })?.at ?? 0) <= before
  }

  /** @returns null when deliveries may be left for the next commit */
  function forget(token: string, forgotten: Forgotten): true | null {
    const max = deleteMax - forgotten.deliveries
    const gone = deleteDeliveries.all({ token, max })
    for (const { id } of gone) verbs.outbox.keepNumber(id)
    const pending = gone.filter(({ state }) => state === 'pending')
    for (const { type } of pending) afterCommit(db, () => onFinished?.({ state: 'cancelled', type }))
    forgotten.deliveries += gone.length
    forgotten.pending += pending.length
    if (gone.length === max) return null
    for (const statement of deleteRest) statement.run({ token })
    forgotten.tasks++
    return true
  }

  /** Some of them were made while the clock was ahead: it is later in them than in the owner's newest. */
  function madeAhead(rows: readonly { createdAt: number }[], end: number): boolean {
    const newestAt = newest.get({ end })?.createdAt ?? 0
    return rows.some(({ createdAt }) => createdAt > newestAt)
  }

  function walk(after: number, before: number): Forgotten {
    const forgotten: Forgotten = { tasks: 0, deliveries: 0, pending: 0, after: null }
    const ownerId = ownerOfRow(after)
    const rows = oldest.all({ after, end: ownerFloor(ownerId + 1) })
    // One that was made while the clock was ahead hides none behind it.
    const old = rows.filter(({ createdAt }) => createdAt < before)
    const stays = new Set<string>()
    for (const { id, token } of old) {
      // Very many subscriptions may be to one task.
      if (stays.has(token)) continue
      const task = verbs.tasks.task(token)
      if (task === null || !isFinished(task, before)) stays.add(token)
      else if (forget(token, forgotten) === null) return { ...forgotten, after: id - 1 }
    }
    const last = rows.length === subscriptionsMax ? rows.at(-1) : undefined
    if (last !== undefined && (old.length > 0 || madeAhead(rows, ownerFloor(ownerId + 1))))
      return { ...forgotten, after: last.id }
    const owner = nextOwnerId.get({ after: ownerId })
    return { ...forgotten, after: owner === undefined ? null : ownerFloor(owner.id) }
  }

  return {
    /**
     * One small commit of the walk over what finished at `before` or earlier. Begin with 0, go on with `after`.
     */
    forgetFinished(after: number, before: number): Forgotten {
      return inTransaction(db, () => walk(after, before))
    },
  }
}

function retentionStatements(db: StoreContext['db']) {
  const waiter = db
    .select({ id: subscriptions.id })
    .from(subscriptions)
    .innerJoin(taskTable, eq(taskTable.token, subscriptions.taskToken))
    .where(and(eq(subscriptions.taskToken, key('token')), or(inState.active, inState.paused)))
    .orderBy(firstBy(asc(subscriptions.id)))
    .prepare()
  // Who registered after the end is told of it as long as anybody else.
  const lastEnd = db
    .select({ at: sql<number | null>`max(coalesce(${subscriptions.endedAt}, ${subscriptions.createdAt}))` })
    .from(subscriptions)
    .where(eq(subscriptions.taskToken, key('token')))
    .prepare()
  const nextOwnerId = db
    .select({ id: owners.id })
    .from(owners)
    .where(gt(owners.id, key('after')))
    .orderBy(firstBy(asc(owners.id)))
    .prepare()
  const oldest = db
    .select({ id: subscriptions.id, token: subscriptions.taskToken, createdAt: subscriptions.createdAt })
    .from(subscriptions)
    .where(and(gt(subscriptions.id, key('after')), lt(subscriptions.id, key('end'))))
    .orderBy(sql`${subscriptions.id} limit ${sql.raw(String(subscriptionsMax))}`)
    .prepare()
  const newest = db
    .select({ createdAt: subscriptions.createdAt })
    .from(subscriptions)
    .where(lt(subscriptions.id, key('end')))
    .orderBy(firstBy(desc(subscriptions.id)))
    .prepare()
  // The newest first: of a queue that is cut by the end of a commit the head is left.
  const deleteDeliveries = db
    .delete(deliveries)
    .where(sql`${deliveries.id} in (select d.id from ${subscriptions} s join ${deliveries} d on d.subscription_id = s.id
      where s.task_token = ${key('token')} order by s.id desc, d.id desc limit ${key('max')})`)
    .returning({ id: deliveries.id, state: deliveries.state, type: deliveries.type })
    .prepare()
  // What refers to another goes before it.
  const deleteRest = [
    db
      .delete(subscriptions)
      .where(eq(subscriptions.taskToken, key('token')))
      .prepare(),
    db
      .delete(transitions)
      .where(eq(transitions.taskToken, key('token')))
      .prepare(),
    db
      .delete(taskTable)
      .where(eq(taskTable.token, key('token')))
      .prepare(),
  ]
  return { waiter, lastEnd, nextOwnerId, oldest, newest, deleteDeliveries, deleteRest }
}
