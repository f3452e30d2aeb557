/**
 * Where numbers begin after a back-up was put back. The copy does not know which numbers the lost database gave out after
 * it, so what is numbered from then on stands above them all (docs/decisions/0019-restored.md).
 */
import { sql } from 'drizzle-orm'
import { readFact, writeFact } from './meta.ts'
import { type Database, inTransaction } from './transaction.ts'

export interface Numbering {
  /** Tasks made until then go on above `seq`; those made later count from 1. */
  restoredAt: number
  seq: number
  /** Rows of an owner whose ids have no random part go on above it. */
  row: number
}

/**
 * Numbers are counted, so time since before the first Pollhook is above them: seconds above a task's transitions,
 * milliseconds above an owner's deliveries. Seconds from here also fit into 32 bits, as receivers may keep a `seq`.
 */
const epoch = Date.UTC(2026, 0, 1)

/** As of a database that no copy ever took the place of, where nothing was told. Read once: only `markRestored` changes it. */
export function readNumbering(db: Database): Numbering {
  const restoredAt = readFact(db, 'restored_at')
  return restoredAt === null ? { restoredAt: 0, seq: 0, row: 0 } : numberingOf(Number(restoredAt))
}

function numberingOf(at: number): Numbering {
  const sinceMs = Math.max(0, at - epoch)
  return { restoredAt: at, seq: Math.floor(sinceMs / 1000), row: sinceMs }
}

/** @param last the task's newest `seq`; 0 when it has none */
export function nextSeq(last: number, task: { createdAt: number }, numbering: Numbering): number {
  return (task.createdAt <= numbering.restoredAt ? Math.max(last, numbering.seq) : last) + 1
}

/**
 * This database is a copy, put in the place of one that may have told more than it knows. No store may be open on it.
 * @returns what holds from now on, and how many tasks it holds for
 */
export function markRestored(db: Database, now: number): Numbering & { tasks: number } {
  return inTransaction(db, () => {
    const [held] = db.all<{ tasks: number; newestAt: number | null }>(
      sql`select count(*) as tasks, max(created_at) as newestAt from tasks`,
    )
    // A clock that is behind leaves no task out, and takes no number back.
    const at = Math.max(now, held?.newestAt ?? 0, readNumbering(db).restoredAt)
    writeFact(db, 'restored_at', String(at))
    return { ...numberingOf(at), tasks: held?.tasks ?? 0 }
  })
}
