/** The store on better-sqlite3; test/workers/store.test.ts is its twin in a Durable Object. */
import { describe } from 'vitest'
import { openOnNode } from './on-node.ts'
import { storeSuite } from './suite.ts'

describe('the store on Node', () =>
  storeSuite(async (work) => {
    const empty = openOnNode()
    try {
      work(empty)
    } finally {
      empty.close()
    }
  }))
