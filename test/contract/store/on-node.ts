/** An empty database on better-sqlite3, with the migrations that a store on it needs. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import type { MigrationFolder } from '../../../src/store/migrate.ts'
import * as schema from '../../../src/store/schema.ts'
import type { EmptyDatabase } from './fixture.ts'

const folder = join(import.meta.dirname, '../../../migrations')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const journal = JSON.parse(read('meta/_journal.json')) as MigrationFolder['journal']
const texts = journal.entries.map(({ tag }) => [`m${tag.slice(0, 4)}`, read(`${tag}.sql`)])
const migrations: MigrationFolder = { journal, migrations: Object.fromEntries(texts) }

/**
 * @param onStatement is told each statement that runs with its values, `BEGIN` and `COMMIT` too
 * @param onPrepared is told each statement that is prepared
 */
export function openOnNode(
  onStatement?: (text: string) => void,
  onPrepared?: (text: string) => void,
): EmptyDatabase & { close(): void } {
  const sqlite = new Sqlite(':memory:', {
    ...(onStatement && { verbose: (text) => onStatement(String(text)) }),
  })
  if (onPrepared !== undefined) {
    const prepare = sqlite.prepare.bind(sqlite)
    sqlite.prepare = ((text: string) => {
      onPrepared(text)
      return prepare(text)
    }) as typeof sqlite.prepare
  }
  return { db: drizzle(sqlite, { schema }), migrations, close: () => sqlite.close() }
}
