/**
 * What memory keeps of a polled task: enough to schedule it and to see that an answer changes nothing.
 * Rebuilt by one SELECT at start (DESIGN §3.4).
 */
import { sql } from 'drizzle-orm'
import type { StoreContext } from './context.ts'

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

interface WatchRow extends Record<string, unknown> {
  steps: string | null
  regressed: number
  stalled: number
  askedAlone: number
  awaitsState: number | null
}

export function watchVerbs({ db }: StoreContext) {
  const select = (where: ReturnType<typeof sql>) => sql`
    select t.token, t.status_url as statusUrl, n.status, n.percent, coalesce(n.at, t.created_at) as changedAt,
      group_concat(distinct s.percent_step) as steps, min(s.expires_at) as expiresAt,
      t.regressed_at is not null as regressed, t.stalled, t.unknown_since as unknownSince,
      t.asked_alone as askedAlone, t.failing_since as failingSince, max(s.awaits_state) as awaitsState
    from tasks t
    join subscriptions s on s.task_token = t.token and s.end_state is null
    left join transitions n on n.task_token = t.token
      and n.seq = (select max(seq) from transitions where task_token = t.token)
    where ${where} group by t.token`

  function toWatch(row: WatchRow): Watch {
    return {
      ...(row as unknown as Watch),
      steps: (row.steps ?? '').split(',').map(Number),
      regressed: row.regressed === 1,
      stalled: row.stalled === 1,
      askedAlone: row.askedAlone === 1,
      awaitsState: row.awaitsState === 1,
    }
  }

  return {
    /** Null when the task is not polled (any more). */
    watch(token: string): Watch | null {
      const row = db.all<WatchRow>(select(sql`t.polling = 1 and t.token = ${token}`))[0]
      return row === undefined ? null : toWatch(row)
    },

    /** Those of `tokens` that are polled: one statement for all that changed together. */
    watchesOf(tokens: readonly string[]): Map<string, Watch> {
      const among = sql`t.token in (select value from json_each(${JSON.stringify(tokens)}))`
      const rows = db.all<WatchRow>(select(sql`t.polling = 1 and ${among}`))
      return new Map(rows.map((row) => [row.token as string, toWatch(row)]))
    },

    /** Every polled task. */
    watches(): Watch[] {
      return db.all<WatchRow>(select(sql`t.polling = 1`)).map(toWatch)
    },
  }
}
