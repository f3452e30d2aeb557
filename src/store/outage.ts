/** When upstream was last seen to fail: what tells an outage of upstream from one of this relay (CONTRACT §3, `task.stalled`). */
import { sql } from 'drizzle-orm'
import { readFact, writeFact } from './meta.ts'
import type { PollLimits } from './polls.ts'
import type { Database } from './transaction.ts'

/**
 * A stall is counted from the first failed call, but never over the relay's own downtime: when nothing was seen to fail for
 * far longer than polls are apart, the gap is taken out of every running count. While it asked, since `polledAt`, the
 * relay was up, but for no longer than a poll can take: a machine that slept meanwhile is still seen.
 */
export function noteFailure(db: Database, limits: PollLimits, polledAt: number, now: number): void {
  const seenAt = readFact(db, 'upstream_failure_seen_at')
  const askedMs = Math.min(Math.max(0, now - polledAt), limits.pollMsMax)
  const gapMs = seenAt === null ? 0 : now - Number(seenAt) - askedMs
  if (gapMs > 0.6 * limits.stalledAfterMs) {
    db.run(sql`update tasks set failing_since = min(failing_since + ${gapMs}, ${now})
      where polling = 1 and failing_since is not null`)
  }
  writeFact(db, 'upstream_failure_seen_at', String(now))
}

/** The wall clock was set back by so much: what fails, or is not known, has done so for as long as before. */
export function setOutagesBack(db: Database, byMs: number): void {
  db.run(sql`update tasks set failing_since = failing_since - ${byMs}, unknown_since = unknown_since - ${byMs}
    where polling = 1 and (failing_since is not null or unknown_since is not null)`)
  const seenAt = readFact(db, 'upstream_failure_seen_at')
  if (seenAt !== null) writeFact(db, 'upstream_failure_seen_at', String(Number(seenAt) - byMs))
}
