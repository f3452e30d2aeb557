/**
 * Forgetting finished tasks (CONTRACT §5.8). No index helps: subscriptions lie by owner in the order they were
 * made, so the old ones are at the front, and a walk from there finds what may go.
 */
import { and, asc, eq, gt, lt } from 'drizzle-orm'
import { ownerFloor } from '../core/ids.ts'
import type { StoreContext } from './context.ts'
import { deliveries, owners, subscriptions, tasks as taskTable, transitions } from './schema.ts'
import type { TaskRow, TaskVerbs } from './tasks.ts'
import { afterCommit, inTransaction } from './transaction.ts'

/** One commit looks at so many subscriptions and deletes so many deliveries at most. */
const lookMax = 200
const deleteMax = 500

export interface Forgotten {
  tasks: number
  deliveries: number
  /** Of those, still pending: they end with their task. */
  pending: number
  /** Give it back to go on; null when the walk is over. */
  after: number | null
}

export function retentionVerbs({ db, onFinished }: StoreContext, verbs: { tasks: TaskVerbs }) {
  /** Since when nobody waits for the task; null while somebody does. */
  function finishedAt(task: TaskRow): number | null {
    const rows = db
      .select({
        paused: subscriptions.paused,
        endState: subscriptions.endState,
        endedAt: subscriptions.endedAt,
        createdAt: subscriptions.createdAt,
      })
      .from(subscriptions)
      .where(eq(subscriptions.taskToken, task.token))
      .all()
    const waits = rows.some(({ paused, endState }) =>
      endState === 'cancelled' ? false : paused === 1 || (endState === null && task.end === null),
    )
    if (waits) return null
    // Who registered after the end is told of it as long as anybody else.
    return Math.max(task.endedAt ?? 0, ...rows.map(({ createdAt, endedAt }) => endedAt ?? createdAt))
  }

  /** @returns null when deliveries are left for the next commit */
  function forget(token: string, forgotten: Forgotten): true | null {
    const rows = db
      .select({ id: deliveries.id, state: deliveries.state })
      .from(deliveries)
      .innerJoin(subscriptions, eq(subscriptions.id, deliveries.subscriptionId))
      .where(eq(subscriptions.taskToken, token))
      .limit(deleteMax + 1)
      .all()
    const batch = rows.slice(0, deleteMax)
    for (const { id, state } of batch) {
      db.delete(deliveries).where(eq(deliveries.id, id)).run()
      if (state === 'pending') afterCommit(db, () => onFinished?.('cancelled'))
    }
    forgotten.deliveries += batch.length
    forgotten.pending += batch.filter(({ state }) => state === 'pending').length
    if (rows.length > deleteMax) return null
    db.delete(subscriptions).where(eq(subscriptions.taskToken, token)).run()
    db.delete(transitions).where(eq(transitions.taskToken, token)).run()
    db.delete(taskTable).where(eq(taskTable.token, token)).run()
    forgotten.tasks++
    return true
  }

  function nextOwner(after: number): number | null {
    const row = db
      .select({ id: owners.id })
      .from(owners)
      .where(gt(owners.id, after))
      .orderBy(asc(owners.id))
      .limit(1)
      .get()
    return row?.id ?? null
  }

  function walk(after: number, before: number): Forgotten {
    const forgotten: Forgotten = { tasks: 0, deliveries: 0, pending: 0, after: null }
    const ownerId = Math.floor(after / ownerFloor(1))
    const rows = db
      .select({ id: subscriptions.id, token: subscriptions.taskToken, createdAt: subscriptions.createdAt })
      .from(subscriptions)
      .where(and(gt(subscriptions.id, after), lt(subscriptions.id, ownerFloor(ownerId + 1))))
      .orderBy(asc(subscriptions.id))
      .limit(lookMax)
      .all()
    const newer = rows.findIndex(({ createdAt }) => createdAt >= before)
    const old = newer < 0 ? rows : rows.slice(0, newer)
    for (const { id, token } of old) {
      const task = verbs.tasks.task(token)
      const finished = task === null ? null : finishedAt(task)
      if (finished !== null && finished <= before && forget(token, forgotten) === null) {
        return { ...forgotten, after: id - 1 }
      }
      if (forgotten.deliveries >= deleteMax) return { ...forgotten, after: id }
    }
    const last = old.at(-1)
    if (old.length === lookMax && last !== undefined) return { ...forgotten, after: last.id }
    const owner = nextOwner(ownerId)
    return { ...forgotten, after: owner === null ? null : ownerFloor(owner) }
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
