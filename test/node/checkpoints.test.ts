import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { startCheckpoints } from '../../src/node/checkpoints.ts'
import { type OpenDatabase, openDatabase } from '../../src/node/database.ts'

let folder: string
let database: OpenDatabase
const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() }

beforeEach(() => {
  vi.clearAllMocks()
  folder = mkdtempSync(join(tmpdir(), 'pollhook-checkpoints-'))
  database = openDatabase(join(folder, 'pollhook.db'))
})

afterEach(() => {
  database.close()
  rmSync(folder, { recursive: true, force: true })
})

function writePages(count: number, letter = 'x'): void {
  for (let page = 0; page < count; page++) {
    database.db.run(sql`insert into meta (key, value) values (${`page ${page}`}, ${letter.repeat(4_096)})
      on conflict (key) do update set value = excluded.value`)
  }
}

/** Another reader's view, as a back-up tool has it. */
function logPages(): { log: number; checkpointed: number } {
  const other = new Sqlite(join(folder, 'pollhook.db'))
  const [counts] = other.pragma('wal_checkpoint(NOOP)') as [{ log: number; checkpointed: number }]
  other.close()
  return counts
}

it('a long log is copied by the thread and ended by the writer, and begins anew', async () => {
  const copied = Promise.withResolvers<number>()
  const counted = {
    checkpointAfter: database.checkpointAfter,
    checkpoint() {
      const { log: pages, checkpointed } = logPages()
      database.checkpoint()
      copied.resolve(pages - checkpointed)
    },
  }
  database.checkpointAfter(16_000)
  writePages(1_500)
  expect(logPages()).toMatchObject({ checkpointed: 0 })
  const checkpoints = startCheckpoints({ path: join(folder, 'pollhook.db'), database: counted, log })
  // What the thread left to the writer.
  expect(await copied.promise).toBeLessThanOrEqual(100)
  const { log: pages, checkpointed } = logPages()
  expect(checkpointed).toBe(pages)
  writePages(1, 'y')
  expect(logPages().log).toBeLessThan(100)
  await checkpoints.stop()
  expect(log.warn).not.toHaveBeenCalled()
  expect(log.error).not.toHaveBeenCalled()
})

it('after a stop the file is let go of: its last close leaves no log behind', async () => {
  const path = join(folder, 'pollhook.db')
  const checkpoints = startCheckpoints({ path, database, log })
  writePages(10)
  await checkpoints.stop()
  database.close()
  expect(() => statSync(`${path}-wal`)).toThrow('ENOENT')
  database = openDatabase(path)
  expect(database.db.all(sql`select count(*) as n from meta where key like 'page %'`)).toEqual([{ n: 10 }])
})

it('a thread that ends by an error is told, and the writer makes the checkpoints itself', async () => {
  const told = Promise.withResolvers<void>()
  log.error.mockImplementation(() => told.resolve())
  const checkpoints = startCheckpoints({ path: join(folder, 'elsewhere.db'), database, log })
  await told.promise
  expect(log.error).toHaveBeenCalledWith(
    'the thread for checkpoints ended; they hold up everything else from now on',
    { error: expect.any(Error) },
  )
  writePages(3_000)
  expect(logPages().log).toBeLessThan(1_100)
  await checkpoints.stop()
})
