/** The store on better-sqlite3; test/workers/store.test.ts is its twin in a Durable Object. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { describe } from 'vitest'
import type { MigrationFolder } from '../../../src/store/migrate.ts'
import * as schema from '../../../src/store/schema.ts'
import { storeSuite } from './suite.ts'

const folder = join(import.meta.dirname, '../../../migrations')
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const journal = JSON.parse(read('meta/_journal.json')) as MigrationFolder['journal']
const texts = journal.entries.map(({ tag }) => [`m${tag.slice(0, 4)}`, read(`${tag}.sql`)])
const migrations: MigrationFolder = { journal, migrations: Object.fromEntries(texts) }

describe('the store on Node', () =>
  storeSuite(async (work) => {
    const sqlite = new Sqlite(':memory:')
    try {
      work({ db: drizzle(sqlite, { schema }), migrations })
    } finally {
      sqlite.close()
    }
  }))
