/** The store in a real Durable Object; test/contract/store/store.test.ts is its twin on Node. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/durable-sqlite'
import { describe } from 'vitest'
import migrations from '../../migrations/migrations.js'
import * as schema from '../../src/store/schema.ts'
import { storeSuite } from '../contract/store/suite.ts'
import { newToken } from './world.ts'

describe('the store in a Durable Object', () =>
  storeSuite(async (work) => {
    // A home has tables of its own only once an owner's settings change: it is an empty database.
    const object = env.HOMES.get(env.HOMES.idFromName(newToken()))
    await runInDurableObject(object, (_instance, { storage }) => {
      work({ db: drizzle(storage, { schema }), migrations })
    })
  }))
