/**
 * Forgetting finished tasks (CONTRACT §5.8). No index helps: subscriptions lie by owner in the order they were
 * made, so the old ones are at the front, and a walk from there finds what may go. It ends where a whole look has none,
 * nor what was made while the clock was ahead.
 */
import { and, asc, desc, eq, gt, gte, lt, or, sql } from 'drizzle-orm'
import { ownerFloor, ownerOfRow } from '../core/ids.ts'
import type { StoreContext } from './context.ts'
import { firstBy, key } from './literals.ts'
import type { OutboxVerbs } from './outbox.ts'
import { deliveries, owners, subscriptions, tasks as taskTable, transitions } from './schema.ts'
import { inState } from './subscription-view.ts'
import type { TaskRow, TaskVerbs } from './tasks.ts'
import { afterCommit, inTransaction } from './transaction.ts'

/** One commit looks at so many subscriptions at most. */
const subscriptionsMax = 200
/** One commit deletes so many deliveries, and so many subscriptions, at most. */
export const deleteMax = 400

export interface Forgotten {
  tasks: number
  subscriptions: number
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
  const { waiter, lastEnd, nextOwnerId, oldest, newest, newestOf, ...deletions } = retentionStatements(db)
  const { deleteDeliveries, deleteSubscriptions, deleteRest } = deletions
  /** Tasks of the last look that stay: one that very many follow is in the next as well. */
  let stays: Set<string> = new Set()
  /** It was found finished, and some of it is left for the next commit. */
  let begun: string | null = null

  /** Has nobody waited for the task since then? Very many may follow it, of whom as few as can be are read. */
  function isFinished({ token, polling, endedAt }: TaskRow, before: number): boolean {
    if ((endedAt ?? 0) > before) return false
    // Who registered since then is seen by what each commit takes.
    if (token === begun) return polling === 0
    if (waiter.get({ token }) !== undefined) return false
    return (lastEnd.get({ token })?.at ?? 0) <= before
  }

  /** @returns the oldest subscription of which some may be left; null when nothing is */
  function forgetDeliveries(token: string, from: number, forgotten: Forgotten): number | null {
    const max = deleteMax - forgotten.deliveries
    const gone = deleteDeliveries.all({ token, from, max })
    for (const { id } of gone) verbs.outbox.keepNumber(id)
    const pending = gone.filter(({ state }) => state === 'pending')
    for (const { type } of pending) afterCommit(db, () => onFinished?.({ state: 'cancelled', type }))
    forgotten.deliveries += gone.length
    forgotten.pending += pending.length
    return gone.length < max ? null : Math.min(...gone.map(({ subscriptionId }) => subscriptionId))
  }

  /**
   * Its newest subscriptions, each with all its deliveries; with the last, by which it is found, the task.
   * @returns null when somebody has registered since it was begun
   */
  function forget(token: string, before: number, forgotten: Forgotten): 'all' | 'some' | null {
    const max = deleteMax - forgotten.subscriptions
    const followers = newestOf.all({ token, max: max + 1 })
    if (followers.some(({ lastAt }) => lastAt > before)) return null
    const taken = followers.slice(0, max)
    const left = taken.length === 0 ? null : forgetDeliveries(token, taken.at(-1)!.id, forgotten)
    const emptied = left === null ? taken : taken.filter(({ id }) => id > left)
    const from = emptied.at(-1)?.id
    if (from !== undefined) deleteSubscriptions.run({ token, from })
    forgotten.subscriptions += emptied.length
    if (emptied.length < followers.length) return 'some'
    for (const statement of deleteRest) statement.run({ token })
    forgotten.tasks++
    return 'all'
  }

  /** Some of them were made while the clock was ahead: it is later in them than in the owner's newest. */
  function madeAhead(rows: readonly { createdAt: number }[], end: number): boolean {
    const newestAt = newest.get({ end })?.createdAt ?? 0
    return rows.some(({ createdAt }) => createdAt > newestAt)
  }

  function walk(after: number, before: number): Forgotten {
    const forgotten: Forgotten = { tasks: 0, subscriptions: 0, deliveries: 0, pending: 0, after: null }
    const ownerId = ownerOfRow(after)
    const rows = oldest.all({ after, end: ownerFloor(ownerId + 1) })
    // One that was made while the clock was ahead hides none behind it.
    const old = rows.filter(({ createdAt }) => createdAt < before)
    const stayed = after > 0 ? stays : new Set<string>()
    stays = new Set()
    for (const { id, token } of old) {
      // Very many subscriptions may be to one task.
      if (stays.has(token)) continue
      const task = stayed.has(token) ? null : verbs.tasks.task(token)
      const went = task !== null && isFinished(task, before) ? forget(token, before, forgotten) : null
      begun = went === 'some' ? token : null
      if (went === 'some') return { ...forgotten, after: id - 1 }
      if (went === null) stays.add(token)
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
  const newestOf = db
    .select({
      id: subscriptions.id,
      lastAt: sql<number>`coalesce(${subscriptions.endedAt}, ${subscriptions.createdAt})`,
    })
    .from(subscriptions)
    .where(eq(subscriptions.taskToken, key('token')))
    .orderBy(sql`${subscriptions.id} desc limit ${key('max')}`)
    .prepare()
  // The newest first: of a queue that is cut by the end of a commit the head is left.
  const deleteDeliveries = db
    .delete(deliveries)
    .where(sql`${deliveries.id} in (select d.id from ${subscriptions} s join ${deliveries} d on d.subscription_id = s.id
      where s.task_token = ${key('token')} and s.id >= ${key('from')}
      order by s.id desc, d.id desc limit ${key('max')})`)
    .returning({
      id: deliveries.id,
      subscriptionId: deliveries.subscriptionId,
      state: deliveries.state,
      type: deliveries.type,
    })
    .prepare()
  const deleteSubscriptions = db
    .delete(subscriptions)
    .where(and(eq(subscriptions.taskToken, key('token')), gte(subscriptions.id, key('from'))))
    .prepare()
  // What refers to another goes before it.
  const deleteRest = [
    db
      .delete(transitions)
      .where(eq(transitions.taskToken, key('token')))
      .prepare(),
    db
      .delete(taskTable)
      .where(eq(taskTable.token, key('token')))
      .prepare(),
  ]
  const deletions = { deleteDeliveries, deleteSubscriptions, deleteRest }
  return { waiter, lastEnd, nextOwnerId, oldest, newest, newestOf, ...deletions }
}
