/**
 * What memory keeps of a polled task: enough to schedule it and to see that an answer changes nothing.
 * Read again after a start (DESIGN §3.4), a part at a time: a hundred thousand tasks take two seconds, in which
 * requests are answered.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { StoreContext } from './context.ts'
import { key, listed, withNewestTransition } from './literals.ts'
import { tasks } from './schema.ts'

export interface Watch {
  token: string
  statusUrl: string | null
  status: string | null
  percent: number | null
  /** Time of the last transition, or of registration before the first: the poll wait grows from it. */
  changedAt: number
  /** Distinct percent steps of the live subscriptions. */
  steps: number[]
  /** Earliest expiry among the live subscriptions. */
  expiresAt: number
  regressed: boolean
  stalled: boolean
  unknownSince: number | null
  askedAlone: boolean
  failingSince: number | null
  /** Some subscription waits for the first event that only a new poll can give. */
  awaitsState: boolean
}

/** The last task of a part: in the order of their making the next part begins behind it. */
export interface WatchCursor {
  createdAt: number
  token: string
}

/** Before every task. */
export const firstWatch: WatchCursor = { createdAt: Number.MIN_SAFE_INTEGER, token: '' }

/** Read and scheduled in some 15 ms. */
export const watchesPart = 1000

export function watchVerbs({ db }: StoreContext) {
  const ofTokens = select(db, sql`t.token in ${listed('tokens')}`)

  const part = db
    .select({ createdAt: tasks.createdAt, token: tasks.token })
    .from(tasks)
    .where(
      sql`${tasks.polling} = 1 and (${tasks.createdAt}, ${tasks.token}) > (${key('createdAt')}, ${key('token')})`,
    )
    .orderBy(tasks.createdAt, tasks.token)
    .limit(watchesPart)
    .prepare()

  // As values: Drizzle's mapping to objects costs more than the reading.
  const readAll = (tokens: readonly string[]) =>
    (ofTokens.values({ tokens: JSON.stringify(tokens) }) as WatchRow[]).map(toWatch)

  return {
    /** Those of `tokens` that are polled: one statement for all that changed together. */
    watchesOf(tokens: readonly string[]): Map<string, Watch> {
      return new Map(readAll(tokens).map((watch) => [watch.token, watch]))
    },

    /** The polled tasks behind `cursor`, at most a part of them. `next` is null when no more follow. */
    watchesAfter(cursor: WatchCursor): { watches: Watch[]; next: WatchCursor | null } {
      const made = part.all({ ...cursor })
      const next = made.length < watchesPart ? null : (made.at(-1) ?? null)
      return { watches: readAll(made.map(({ token }) => token)), next }
    },
  }
}

/** Polled tasks with what their live subscriptions want and the newest transition, in the order of `WatchRow`. */
function select(db: StoreContext['db'], which: SQL) {
  return db
    .select({
      token: sql`t.token`,
      statusUrl: sql`t.status_url`,
      status: sql`n.status`,
      percent: sql`n.percent`,
      changedAt: sql`coalesce(n.at, t.created_at)`,
      steps: sql`group_concat(distinct s.percent_step)`,
      expiresAt: sql`min(s.expires_at)`,
      regressedAt: sql`t.regressed_at`,
      stalled: sql`t.stalled`,
      unknownSince: sql`t.unknown_since`,
      askedAlone: sql`t.asked_alone`,
      failingSince: sql`t.failing_since`,
      awaitsState: sql`max(s.awaits_state)`,
    })
    .from(
      sql`tasks t
        join subscriptions s on s.task_token = t.token and s.end_state is null
        ${withNewestTransition}`,
    )
    .where(sql`t.polling = 1 and ${which}`)
    .groupBy(sql`t.token`)
    .prepare()
}

type WatchRow = [
  token: string,
  statusUrl: string | null,
  status: string | null,
  percent: number | null,
  changedAt: number,
  steps: string,
  expiresAt: number,
  regressedAt: number | null,
  stalled: number,
  unknownSince: number | null,
  askedAlone: number,
  failingSince: number | null,
  awaitsState: number,
]

function toWatch(row: WatchRow): Watch {
  const [token, statusUrl, status, percent, changedAt, steps, expiresAt, regressedAt, ...flags] = row
  const [stalled, unknownSince, askedAlone, failingSince, awaitsState] = flags
  return {
    token,
    statusUrl,
    status,
    percent,
    changedAt,
    steps: steps.split(',').map(Number),
    expiresAt,
    regressed: regressedAt !== null,
    stalled: stalled === 1,
    unknownSince,
    askedAlone: askedAlone === 1,
    failingSince,
    awaitsState: awaitsState === 1,
  }
}
