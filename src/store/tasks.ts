/**
 * Tasks and their transitions: rows as the other verbs read and write them. A task's snapshot is its newest
 * transition. Knows neither subscriptions' wishes nor deliveries.
 */
import { and, desc, eq, sql } from 'drizzle-orm'
import type { StoredResult } from '../core/payload.ts'
import type { TaskError } from '../core/snapshot.ts'
import type { Change, TaskEnd } from '../core/transition.ts'
import type { StoreContext } from './context.ts'
import { firstBy, key, listed, value, withNewestTransition } from './literals.ts'
import type { TransitionEvent } from './records.ts'
import { tasks, transitions } from './schema.ts'

export type TaskRow = typeof tasks.$inferSelect

/** The newest transition without its result. */
export interface Snapshot {
  seq: number
  type: string
  status: string | null
  percent: number | null
  at: number
}

/** A task as the poll side has it. */
export interface PolledTask {
  row: TaskRow
  snapshot: Snapshot | null
}

/** Of a transition all but its result, which may be large. */
const slim = {
  seq: transitions.seq,
  type: transitions.type,
  status: transitions.status,
  percent: transitions.percent,
  at: transitions.at,
  errorCode: transitions.errorCode,
  errorDescription: transitions.errorDescription,
}

/** What is written of a task, but for its URL, when it begins to be polled, or begins again after it was lost. */
export const asPolledAnew = {
  polling: 1,
  end: null,
  endedAt: null,
  regressedAt: null,
  unknownSince: null,
  askedAlone: 0,
  failingSince: null,
  stalled: 0,
} as const

export type TaskVerbs = ReturnType<typeof taskVerbs>

export function taskVerbs({ db }: StoreContext) {
  const { byToken, byTokens, newest, resultOf, after } = taskReads(db)
  const polled = selectPolled(db)
  const { insertTask, insertTransition, updateTask } = taskWrites(db)

  function transitionsAfter(taskToken: string, seq: number, limit: number): TransitionEvent[] {
    // One more row in front, whatever its number: it is the `previous` of the first event.
    const rows = after.all({ token: taskToken, seq, limit: limit + 1 })
    const events = rows.map((row, index) => ({
      seq: row.seq,
      type: row.type,
      status: row.status,
      percent: row.percent,
      at: row.at,
      previous: index === 0 ? null : { status: rows[index - 1]!.status, percent: rows[index - 1]!.percent },
      error: row.errorCode === null ? null : { code: row.errorCode, description: row.errorDescription },
      result: { json: row.result, dropped: row.resultDropped === 1 },
    }))
    return events.filter((event) => event.seq > seq).slice(0, limit)
  }

  return {
    transitionsAfter,

    task(token: string): TaskRow | null {
      return byToken.get({ token }) ?? null
    },

    /** Those of `tokens` that are known, by token. */
    tasksOf(tokens: readonly string[]): Map<string, TaskRow> {
      const rows = byTokens.all({ tokens: JSON.stringify(tokens) })
      return new Map(rows.map((row) => [row.token, row]))
    },

    /** Those of `tokens` that are polled, by token: one statement for all that is recorded together. */
    polledTasks(tokens: readonly string[]): Map<string, PolledTask> {
      const rows = polled.values({ tokens: JSON.stringify(tokens) }) as PolledRow[]
      return new Map(rows.map((row) => [row[0], toPolled(row)]))
    },

    snapshot(token: string): Snapshot | null {
      return newest.get({ token }) ?? null
    },

    /** The newest transition with the error it carries. */
    lastError(token: string): TaskError | null {
      const row = newest.get({ token })
      if (row === undefined || row.errorCode === null) return null
      return { code: row.errorCode, description: row.errorDescription }
    },

    result(token: string, seq: number): StoredResult {
      const row = resultOf.get({ token, seq })
      return { json: row?.json ?? null, dropped: row?.dropped === 1 }
    },

    addTask(task: { token: string; statusUrl: string | null; createdAt: number }): TaskRow {
      insertTask.run(task)
      return { ...task, ...asPolledAnew }
    },

    /** Writes only when something differs: a poll that changes nothing writes nothing. */
    saveTask(before: TaskRow, after: TaskRow): void {
      const keys = Object.keys(after) as (keyof TaskRow)[]
      if (keys.some((key) => before[key] !== after[key])) updateTask.run(after)
    },

    addTransition(taskToken: string, seq: number, change: Change, at: number, result: StoredResult): void {
      insertTransition.run({
        taskToken,
        seq,
        type: change.type,
        status: change.status,
        percent: change.percent,
        at,
        errorCode: change.error?.code ?? null,
        errorDescription: change.error?.description ?? null,
        result: result.json,
        resultDropped: result.dropped ? 1 : 0,
      })
    },
  }
}

function taskReads(db: StoreContext['db']) {
  const byToken = db
    .select()
    .from(tasks)
    .where(eq(tasks.token, key('token')))
    .prepare()
  const byTokens = db
    .select()
    .from(tasks)
    .where(sql`${tasks.token} in ${listed('tokens')}`)
    .prepare()
  const newest = db
    .select(slim)
    .from(transitions)
    .where(eq(transitions.taskToken, key('token')))
    .orderBy(firstBy(desc(transitions.seq)))
    .prepare()
  const resultOf = db
    .select({ json: transitions.result, dropped: transitions.resultDropped })
    .from(transitions)
    .where(and(eq(transitions.taskToken, key('token')), eq(transitions.seq, key('seq'))))
    .prepare()
  const upTo = sql`select max(u.seq) from ${transitions} u where u.task_token = ${key('token')}
    and u.seq <= ${key('seq')}`
  const after = db
    .select()
    .from(transitions)
    .where(and(eq(transitions.taskToken, key('token')), sql`${transitions.seq} >= coalesce((${upTo}), 0)`))
    .orderBy(sql`${transitions.seq} limit ${key('limit')}`)
    .prepare()
  return { byToken, byTokens, newest, resultOf, after }
}

function taskWrites(db: StoreContext['db']) {
  const insertTask = db
    .insert(tasks)
    .values({
      token: value('token'),
      statusUrl: value('statusUrl'),
      createdAt: value('createdAt'),
      polling: 1,
    })
    .prepare()
  const insertTransition = db
    .insert(transitions)
    .values({
      taskToken: value('taskToken'),
      seq: value('seq'),
      type: value('type'),
      status: value('status'),
      percent: value('percent'),
      at: value('at'),
      errorCode: value('errorCode'),
      errorDescription: value('errorDescription'),
      result: value('result'),
      resultDropped: value('resultDropped'),
    })
    .prepare()
  const updateTask = db
    .update(tasks)
    .set({
      statusUrl: value('statusUrl'),
      polling: value('polling'),
      end: value('end'),
      endedAt: value('endedAt'),
      regressedAt: value('regressedAt'),
      unknownSince: value('unknownSince'),
      askedAlone: value('askedAlone'),
      failingSince: value('failingSince'),
      stalled: value('stalled'),
    })
    .where(eq(tasks.token, key('token')))
    .prepare()
  return { insertTask, insertTransition, updateTask }
}

/**
 * In the order of `PolledRow`: read as it comes, because Drizzle's mapping to objects costs as much as the reading.
 * `cross join` has SQLite go from the tokens to their tasks, not through all that are polled.
 */
function selectPolled(db: StoreContext['db']) {
  return db
    .select({
      token: sql`t.token`,
      statusUrl: sql`t.status_url`,
      createdAt: sql`t.created_at`,
      end: sql`t.end`,
      endedAt: sql`t.ended_at`,
      regressedAt: sql`t.regressed_at`,
      unknownSince: sql`t.unknown_since`,
      askedAlone: sql`t.asked_alone`,
      failingSince: sql`t.failing_since`,
      stalled: sql`t.stalled`,
      seq: sql`n.seq`,
      type: sql`n.type`,
      status: sql`n.status`,
      percent: sql`n.percent`,
      at: sql`n.at`,
    })
    .from(
      sql`json_each(${sql.placeholder('tokens')}) asked
        cross join tasks t on t.token = asked.value and t.polling = 1
        ${withNewestTransition}`,
    )
    .prepare()
}

type PolledRow = [
  token: string,
  statusUrl: string | null,
  createdAt: number,
  end: TaskEnd | null,
  endedAt: number | null,
  regressedAt: number | null,
  unknownSince: number | null,
  askedAlone: number,
  failingSince: number | null,
  stalled: number,
  ...snapshot: SnapshotRow,
]

type SnapshotRow = [
  seq: number | null,
  type: string,
  status: string | null,
  percent: number | null,
  at: number,
]

function toPolled(row: PolledRow): PolledTask {
  const [token, statusUrl, createdAt, end, endedAt, regressedAt, unknownSince, ...more] = row
  const [askedAlone, failingSince, stalled, ...newest] = more
  const times = { createdAt, endedAt, regressedAt, unknownSince, failingSince }
  return {
    row: { token, statusUrl, polling: 1, end, askedAlone, stalled, ...times },
    snapshot: toSnapshot(newest),
  }
}

function toSnapshot([seq, type, status, percent, at]: SnapshotRow): Snapshot | null {
  return seq === null ? null : { seq, type, status, percent, at }
}
