/** Tasks as one owner sees them: only those it has a subscription to, in whatever state. */
import { and, desc, eq, gte, isNull, lt, lte, sql } from 'drizzle-orm'
import { ownerFloor } from '../core/ids.ts'
import type { StoreContext } from './context.ts'
import { firstBy, key } from './literals.ts'
import { lookFrom } from './look.ts'
import { pagesOf } from './page.ts'
import type { Page, PageQuery, StreamState, TaskDetail, TaskRecord } from './records.ts'
import { subscriptions, tasks as taskTable, transitions as transitionTable } from './schema.ts'
import type { SubscriptionViewVerbs } from './subscription-view.ts'
import type { TaskVerbs } from './tasks.ts'

const pages = pagesOf('tasks')

/** Most transitions that one task shows, the newest; a task at the finest step has about a thousand. */
const transitionsShownMax = 10_000

export function taskViewVerbs(
  { db }: StoreContext,
  verbs: { tasks: TaskVerbs; views: SubscriptionViewVerbs },
) {
  const { tasks, views } = verbs

  const statements = prepareReads(db)
  /** For the reads of what one owner has to one task. */
  const ofOwner = (ownerId: number, token: string) => ({
    token,
    from: ownerFloor(ownerId),
    to: ownerFloor(ownerId + 1),
  })

  function hasSubscription(ownerId: number, token: string): boolean {
    return statements.any.get(ofOwner(ownerId, token)) !== undefined
  }

  /** When the last of the owner's subscriptions to the task ended by itself; null while one goes on, or ended with the task. */
  function leftAt(ownerId: number, token: string): number | null {
    if (statements.live.get(ofOwner(ownerId, token)) !== undefined) return null
    return statements.lastEnd.get(ofOwner(ownerId, token))?.at ?? 0
  }

  /** The `seq` before those that are shown; 0 when all are. Counted in rows: after a restore numbers have a gap. */
  function newestHidden(token: string): number {
    const row = db
      .select({ seq: transitionTable.seq })
      .from(transitionTable)
      .where(eq(transitionTable.taskToken, token))
      .orderBy(desc(transitionTable.seq))
      .limit(1)
      .offset(transitionsShownMax)
      .get()
    return row?.seq ?? 0
  }

  return {
    task(ownerId: number, token: string): TaskDetail | null {
      const row = hasSubscription(ownerId, token) ? tasks.task(token) : null
      if (row === null) return null
      const transitions = tasks.transitionsAfter(token, newestHidden(token), transitionsShownMax)
      const last = transitions.at(-1)
      return {
        ...views.taskRecord(row),
        error: row.end === null ? null : (last?.error ?? null),
        resultJson: row.end === null ? null : (last?.result.json ?? null),
        transitions: transitions.map(({ seq, type, status, percent, at }) => ({
          seq,
          type,
          status,
          percent,
          at,
        })),
      }
    },

    /** Newest first by the owner's first subscription to each, so that a page stays right as rows are added. */
    listTasks(ownerId: number, query: PageQuery): Page<TaskRecord> {
      const before = pages.below(query.cursor, ownerFloor(ownerId + 1))
      // Of many subscriptions to few tasks nearly all are none's first.
      const look = lookFrom(db, subscriptions, ownerId, before)
      const rows = db
        .select({ id: subscriptions.id, createdAt: subscriptions.createdAt, task: taskTable })
        .from(subscriptions)
        .innerJoin(taskTable, eq(taskTable.token, subscriptions.taskToken))
        .where(
          and(
            // One bound to each side: SQLite seeks by the first and would test every row by a second.
            gte(subscriptions.id, look.from),
            lt(subscriptions.id, before),
            sql`not exists (select 1 from ${subscriptions} earlier
              where earlier.task_token = ${subscriptions.taskToken}
                and earlier.id >= ${ownerFloor(ownerId)} and earlier.id < ${subscriptions.id})`,
          ),
        )
        .orderBy(desc(subscriptions.id))
        .limit(query.limit + 1)
        .all()
      return pages.page(
        rows,
        query.limit,
        ({ id, createdAt }) => ({ row: id, order: createdAt }),
        (row) => views.taskRecord(row.task),
        look.behind,
      )
    },

    /** What comes after the owner's last subscription is others'. */
    streamState(ownerId: number, token: string): StreamState | null {
      const row = hasSubscription(ownerId, token) ? tasks.task(token) : null
      if (row === null) return null
      const left = leftAt(ownerId, token)
      const last = left === null ? tasks.snapshot(token) : statements.lastUntil.get({ token, at: left })
      return { lastSeq: last?.seq ?? 0, watching: row.end === null && left === null }
    },

    transitionsAfter: tasks.transitionsAfter,
  }
}

/** An open stream asks these after each commit that touches its task. */
function prepareReads(db: StoreContext['db']) {
  const isOfOwner = and(
    eq(subscriptions.taskToken, key('token')),
    gte(subscriptions.id, key('from')),
    lt(subscriptions.id, key('to')),
  )
  const ids = () => db.select({ id: subscriptions.id }).from(subscriptions)
  const first = firstBy(sql`${subscriptions.id}`)
  return {
    any: ids().where(isOfOwner).orderBy(first).prepare(),
    live: ids()
      .where(and(isOfOwner, isNull(subscriptions.endState)))
      .orderBy(first)
      .prepare(),
    lastEnd: db
      .select({ at: sql<number | null>`max(${subscriptions.endedAt})` })
      .from(subscriptions)
      .where(isOfOwner)
      .prepare(),
    lastUntil: db
      .select({ seq: transitionTable.seq })
      .from(transitionTable)
      .where(and(eq(transitionTable.taskToken, key('token')), lte(transitionTable.at, key('at'))))
      .orderBy(firstBy(desc(transitionTable.seq)))
      .prepare(),
  }
}
