/** The store on better-sqlite3; test/workers/store.test.ts is its twin in a Durable Object. */
import { getCallSites } from 'node:util'
import Sqlite from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { afterAll, describe, expect } from 'vitest'
import { migrate } from '../../../src/store/migrate.ts'
import * as schema from '../../../src/store/schema.ts'
import { openOnNode } from './on-node.ts'
import { storeSuite } from './suite.ts'

/** Statements that the store's own verbs prepared, in all tests together. */
const asked = new Set<string>()

function note(statement: string): void {
  if (asked.has(statement)) return
  // No error's stack: Vitest maps each line of it to its source.
  const caller = getCallSites(50).find(({ scriptName }) =>
    /\/(src|test)\/(?!.*(on-node|store\.test)\.ts)/.test(scriptName),
  )?.scriptName
  // `pollhook restored` counts tasks, while nothing runs.
  if (caller?.includes('/src/store/') && !caller.includes('numbering.ts')) asked.add(statement)
}

describe('the store on Node', () => {
  storeSuite(async (work) => {
    const empty = openOnNode(undefined, note)
    try {
      work(empty)
    } finally {
      empty.close()
    }
  })
  afterAll(noVerbReadsATable)
})

/** From end to end: however much is stored, a look at one task, queue or page takes as long. */
function noVerbReadsATable() {
  const sqlite = new Sqlite(':memory:')
  migrate(drizzle(sqlite, { schema }), openOnNode().migrations)
  /** How many places for values a statement has is not told. */
  const planOf = (statement: string) => {
    const explained = sqlite.prepare<unknown[], { detail: string }>(`explain query plan ${statement}`)
    for (let values = 0; values < 200; values++) {
      try {
        return explained.all(...Array(values).fill(1)).map(({ detail }) => detail)
      } catch (error) {
        if (!String(error).includes('Too few parameter values')) throw error
      }
    }
    throw new Error(`not explained: ${statement}`)
  }
  const scans = [...asked]
    // New rows of a table that others refer to: SQLite plans for references that came first, which there are none of.
    .filter((statement) => !/^(insert|create|alter|drop|pragma)/i.test(statement.trim()))
    .flatMap((statement) => planOf(statement).map((step) => ({ statement, step })))
    .filter(({ step }) => step.startsWith('SCAN') && !isSmall(step))
  expect(asked.size).toBeGreaterThan(0)
  expect(scans).toEqual([])
  sqlite.close()
}

/** Owners; what a statement is given and makes itself; what waits, and of that the tests and redeliveries. */
function isSmall(step: string): boolean {
  const small = /^SCAN (owners|migrations|sqlite_master|lanes|firsts|queue|CONSTANT ROW|\w+ VIRTUAL TABLE)\b/
  return small.test(step) || /^SCAN \w+ USING (COVERING )?INDEX deliveries_(due|urgent)$/.test(step)
}
