/**
 * Parts of prepared statements. SQLite prepares a statement anew at each run when a bound value could change its
 * plan: a value compared with an indexed column (in builds with STAT4, as better-sqlite3's), a bound `limit`, or one
 * compared with the column of a partial index. That is 4 to 20 µs of 5 to 25; an expression instead of a bare
 * parameter, or a literal, avoids it.
 */
import { type SQL, sql } from 'drizzle-orm'
import { rank } from '../core/delivery.ts'
import { deliveries } from './schema.ts'

/** A parameter to look rows up by: `+?` means the same as `?` and leaves the plan alone. */
export function key(name: string): SQL {
  return sql`+${sql.placeholder(name)}`
}

/** A parameter to write: as an expression, Drizzle hands it on without asking the column how to encode it. */
export function value(name: string): SQL {
  return sql`${sql.placeholder(name)}`
}

/** All of a JSON array that is one parameter, to look rows up by: a Durable Object takes a hundred parameters (DESIGN §4). */
export function listed(name: string): SQL {
  return sql`(select value from json_each(${sql.placeholder(name)}))`
}

export const isPending = sql`${deliveries.state} = 'pending'`
/** Goes before all regular ones of its queue: a test, or what was asked for again. */
export const isUrgent = sql`${deliveries.state} = 'pending' and ${deliveries.rank} < ${sql.raw(String(rank.regular))}`
export const isExhausted = sql`${deliveries.state} = 'exhausted'`
export const isRegular = sql`${deliveries.rank} = ${sql.raw(String(rank.regular))}`
/** An event, also where it was asked for again; not a test. */
export const isEvent = sql`${deliveries.rank} > ${sql.raw(String(rank.test))}`
export const isTest = sql`${deliveries.rank} = ${sql.raw(String(rank.test))}`

/** Of each task `t`, where it has one, its newest transition `n`: the snapshot. */
export const withNewestTransition = sql`left join transitions n on n.task_token = t.token
  and n.seq = (select max(seq) from transitions where task_token = t.token)`

/** The last part of an `order by`: only the first row. */
export function firstBy(order: SQL): SQL {
  return sql`${order} limit 1`
}
