/**
 * How far one page looks. A filter that no index answers would read all that an owner has where little fits, with nothing
 * else done meanwhile: a page looks through a bounded number of rows, and the next one goes on from there.
 */
import { sql } from 'drizzle-orm'
import { ownerFloor } from '../core/ids.ts'
import type { RowPosition } from './page.ts'
import type { deliveries, subscriptions } from './schema.ts'
import type { Database } from './transaction.ts'

/** Deliveries with bodies of 1 KB: 5 ms, or 30 where nothing is cached. */
export const lookMax = 10_000

export interface Look {
  /** The page has rows from this number on. */
  from: number
  /** The newest row that it did not look at; null when there is none. */
  behind(): RowPosition | null
}

/** Through the owner's rows below `before`, newest first. They are numbered as they were made; a gap costs nothing. */
export function lookFrom(
  db: Database,
  table: typeof deliveries | typeof subscriptions,
  ownerId: number,
  before: number,
): Look {
  const floor = ownerFloor(ownerId)
  const newestBelow = (row: number) =>
    db.all<RowPosition>(sql`select id as "row", created_at as "order" from ${table}
      where id >= ${floor} and id < ${row} order by id desc limit 1`)[0] ?? null
  const first = newestBelow(before)
  const from = Math.max(floor, (first?.row ?? floor) - lookMax + 1)
  return { from, behind: () => newestBelow(from) }
}
