/** Facts about the database itself, each under a name. */
import { sql } from 'drizzle-orm'
import type { Database } from './transaction.ts'

/** Which POLLHOOK_SECRET it was made under, when upstream was last seen to fail, when it was put back from a back-up. */
type Fact = 'secret_fingerprint' | 'upstream_failure_seen_at' | 'restored_at'

export function readFact(db: Database, fact: Fact): string | null {
  return db.all<{ value: string }>(sql`select value from meta where key = ${fact}`)[0]?.value ?? null
}

export function writeFact(db: Database, fact: Fact, value: string): void {
  db.run(sql`insert into meta (key, value) values (${fact}, ${value})
    on conflict (key) do update set value = excluded.value`)
}
