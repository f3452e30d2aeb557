/**
 * What a task costs on Cloudflare, where every row and index entry written is billed (DESIGN §4): counted by
 * SQLite itself in a real Durable Object.
 */
import { runInDurableObject } from 'cloudflare:test'
import { drizzle } from 'drizzle-orm/durable-sqlite'
import { beforeEach, expect, it } from 'vitest'
import { lookMax } from '../../src/store/look.ts'
import * as schema from '../../src/store/schema.ts'
import { createStore } from '../../src/store/store.ts'
import { type Call, json, newShard, newToken, openWorld, until, type World } from './world.ts'

let world: World
/** Each test counts in a shard of its own: what another made there, or copied, would be read and written with it. */
let shard: () => DurableObjectStub
let call: Call

beforeEach(() => {
  world = openWorld()
  ;({ shard, call } = newShard())
})

interface Count {
  /** Written. */
  readonly rows: number
  readonly read: number
}

/** Counts what the shard reads and writes from now on. */
async function countRows(): Promise<Count> {
  const cursors: Pick<SqlStorageCursor<Record<string, SqlStorageValue>>, 'rowsRead' | 'rowsWritten'>[] = []
  await runInDurableObject(shard(), (_instance, state) => {
    const { sql } = state.storage
    const exec = sql.exec.bind(sql)
    Object.defineProperty(sql, 'exec', {
      configurable: true,
      value: (query: string, ...bindings: unknown[]) => {
        const cursor = exec(query, ...bindings)
        cursors.push(cursor)
        return cursor
      },
    })
  })
  return {
    get rows() {
      return cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0)
    },
    get read() {
      return cursors.reduce((sum, { rowsRead }) => sum + rowsRead, 0)
    },
  }
}

const unused = (): never => {
  throw new Error('a deletion has no use for it')
}

/** Whatever has ended is deleted, as after its retention. @returns how many tasks */
async function forgetAll(): Promise<number> {
  let deleted = 0
  await runInDurableObject(shard(), (_instance, { storage }) => {
    const store = createStore({
      db: drizzle(storage, { schema }),
      place: { generation: 1, shard: 0 },
      vault: { seal: unused, open: unused },
      randomText: unused,
      endpointPublicId: unused,
    })
    for (let after: number | null = 0; after !== null; ) {
      const forgotten = store.forgetFinished(after, Number.MAX_SAFE_INTEGER)
      deleted += forgotten.tasks
      after = forgotten.after
    }
  })
  return deleted
}

const failedCall = 'failed call'

async function settledTask(
  states: readonly (Record<string, unknown> | typeof failedCall)[],
  more: object = {},
): Promise<void> {
  const token = newToken()
  world.statusOf = (_token, asked) => {
    const state = states[Math.min(asked, states.length) - 1] ?? null
    if (state === failedCall) throw new Error(failedCall)
    return state
  }
  const body = { task_token: token, callback_url: 'https://app.example.com/hooks', ...more }
  const { id } = await json<{ id: string }>(call('POST', '/v1/subscriptions', body))
  await until(async () => {
    const page = await json<{ data: { type: string; state: string }[] }>(
      call('GET', `/v1/deliveries?subscription_id=${id}`),
    )
    return page.data.some(({ type, state }) => type === 'task.completed' && state === 'delivered')
  })
}

const threeChanges = ['queued', 'encoding', 'completed'].map((status) => ({ status }))

it('writes at most 20 rows for a task with three status changes, each accepted at once', async () => {
  const count = await countRows()
  await settledTask(threeChanges)
  // The very first task also makes its endpoint: the row, two indexes and its health.
  const first = count.rows
  expect(first).toBeLessThanOrEqual(24)
  await settledTask(threeChanges)
  expect(count.rows - first).toBeLessThanOrEqual(20)
})

it('writes 5 rows for each change of percent', async () => {
  const progress = [10, 20, 30, 40].map((percent) => ({ status: 'encoding', percent }))
  await settledTask(threeChanges)
  const count = await countRows()
  await settledTask([{ status: 'encoding', percent: 0 }, ...progress, { status: 'completed' }])
  // 20 are for three status changes; this task has two and four of percent.
  expect(count.rows).toBeLessThanOrEqual(20 + 3 * 5)
})

it('writes 1 row for a change that nobody is to be told of', async () => {
  await settledTask(threeChanges)
  const count = await countRows()
  await settledTask(threeChanges, { events: ['task.completed'] })
  expect(count.rows).toBeLessThanOrEqual(20 - 2 * 4)
})

it('writes 5 rows for a task whose calls fail for a while, and 1 for the outage', async () => {
  await settledTask(threeChanges)
  const count = await countRows()
  const [queued, ...more] = threeChanges
  await settledTask([queued!, failedCall, ...more])
  expect(count.rows).toBeLessThanOrEqual(20 + 5 + 1)
})

it.each([
  ['three deliveries', threeChanges, 8],
  [
    'three more, for progress',
    [
      { status: 'encoding', percent: 0 },
      ...[20, 40, 60].map((percent) => ({ status: 'encoding', percent })),
      { status: 'completed' },
    ],
    12,
  ],
])(
  'writes 8 rows when a task of %s is deleted, and 2 for each event more',
  async (_what, states, expected) => {
    await settledTask(states)
    const count = await countRows()
    expect(await forgetAll()).toBe(1)
    expect(count.rows).toBeLessThanOrEqual(expected)
  },
)

it('writes nothing for polls that change nothing', async () => {
  world.statusOf = () => ({ status: 'encoding', percent: 10 })
  const token = newToken()
  const body = { task_token: token, callback_url: 'https://app.example.com/hooks' }
  const { id } = await json<{ id: string }>(call('POST', '/v1/subscriptions', body))
  await until(async () => {
    const page = await json<{ data: { state: string }[] }>(
      call('GET', `/v1/deliveries?subscription_id=${id}`),
    )
    return page.data[0]?.state === 'delivered'
  })
  const count = await countRows()
  const polls = world.calls.length
  await until(() => world.calls.length >= polls + 10)
  expect(count.rows).toBe(0)
  // It would be polled on beside the other tests.
  await call('DELETE', `/v1/subscriptions/${id}`)
})

it('reads a bounded number of rows for a list in which nothing fits', async () => {
  await settledTask(threeChanges)
  await addRows(4 * lookMax)
  // The copies are all of one task, and of each it is asked whether another was before it.
  for (const [path, reads] of [
    ['/v1/deliveries?type=task.lost', 1],
    ['/v1/subscriptions?state=expired', 1],
    ['/v1/tasks', 2],
  ] as const) {
    const count = await countRows()
    expect((await json<{ data: unknown[] }>(call('GET', path))).data).toEqual([])
    expect(count.read).toBeGreaterThanOrEqual(lookMax)
    expect(count.read).toBeLessThan((reads + 1) * lookMax)
  }
})

it('reads what a task has once for all registrations to it that share a commit', async () => {
  await settledTask(threeChanges)
  await addRows(lookMax)
  const newest = await json<{ data: { task_token: string }[] }>(call('GET', '/v1/subscriptions?limit=1'))
  const count = await countRows()
  const subscriptions = Array.from({ length: 10 }, (_, n) => ({
    task_token: newest.data[0]?.task_token,
    callback_url: `https://app.example.com/hooks/${n}`,
  }))
  const answer = await json<{ results: { status: number }[] }>(
    call('POST', '/v1/subscriptions/batch', { subscriptions }),
  )
  expect(answer.results.map(({ status }) => status)).toEqual(subscriptions.map(() => 201))
  expect(count.read).toBeGreaterThanOrEqual(lookMax)
  expect(count.read).toBeLessThan(4 * lookMax)
})

/** Copies of the newest subscription and of the newest delivery; numbers between are left for what is made meanwhile. */
async function addRows(count: number): Promise<void> {
  await runInDurableObject(shard(), (_instance, { storage: { sql } }) => {
    for (const table of ['subscriptions', 'deliveries']) {
      const names = sql.exec<{ name: string }>('select name from pragma_table_info(?)', table).toArray()
      const others = names.flatMap(({ name }) => (name === 'id' ? [] : name)).join(', ')
      sql.exec(`with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ${count})
        insert into ${table} (id, ${others}) select newest.id + 1000 + n, ${others}
        from counted, (select * from ${table} order by id desc limit 1) newest`)
    }
  })
}
