/** Whose file it is: Pollhook's own, nobody's yet, or one to keep away from. */
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/node/database.ts'
import { databaseFault } from '../../src/node/database-fault.ts'
import { startNode } from '../../src/node.ts'
import { inTransaction } from '../../src/store/transaction.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollhook-database-'))
  file = join(folder, 'some.db')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function made(statements: string): Buffer {
  const sqlite = new Sqlite(file)
  sqlite.exec(statements)
  sqlite.close()
  return readFileSync(file)
}

const start = (env: Record<string, string> = {}) =>
  startNode(
    {
      PORT: '0',
      POLLHOOK_DB: file,
      POLLHOOK_API_KEYS: 'acme=a-key-for-the-database-tests',
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
      ...env,
    },
    () => {},
  )

it('a start that SQLite refuses names the variable and the file, whatever the query was', () => {
  const cause = new Sqlite.SqliteError('database is locked', 'SQLITE_BUSY')
  const error = new Error('Failed to run the query', { cause })
  expect(databaseFault(error, file)).toBe(
    `POLLHOOK_DB: ${file} cannot be used (database is locked): look at the space of its disk, and at who else holds it`,
  )
  expect(databaseFault(new Error('anything else'), file)).toBeNull()
})

describe('a database of another program', () => {
  it.each([
    ['with tables of its own', 'CREATE TABLE notes (text); INSERT INTO notes VALUES (1)'],
    ['with migrations of its own', 'CREATE TABLE migrations (id, migration, batch); CREATE TABLE users (id)'],
  ])('%s is refused, and not a byte of it changes', async (_, statements) => {
    const before = made(statements)
    await expect(start()).rejects.toMatchObject({
      faults: [
        `POLLHOOK_DB: ${file} is another program's database: set POLLHOOK_DB to another file; for example POLLHOOK_DB=data/pollhook.db`,
      ],
    })
    expect(readFileSync(file)).toEqual(before)
    expect(readdirSync(folder)).toEqual(['some.db'])
  })

  it('that left a write-ahead log behind is refused, and the log not copied into it', () => {
    const sqlite = new Sqlite(file)
    sqlite.pragma('journal_mode = WAL')
    sqlite.exec('CREATE TABLE notes (text)')
    const copy = join(folder, 'copy.db')
    for (const end of ['', '-wal']) writeFileSync(`${copy}${end}`, readFileSync(`${file}${end}`))
    sqlite.close()
    const before = readFileSync(copy)
    expect(() => openDatabase(copy)).toThrow(`${copy} is another program's database`)
    expect(readFileSync(copy)).toEqual(before)
  })
})

it('a file that is no database is named, with what to do', async () => {
  writeFileSync(file, 'a letter, long enough to be taken for the header of a database. '.repeat(20))
  await expect(start()).rejects.toMatchObject({
    faults: [
      `POLLHOOK_DB: ${file} is not an SQLite database: set POLLHOOK_DB to another file; for example POLLHOOK_DB=data/pollhook.db`,
    ],
  })
})

it.each([
  ['an empty file', ''],
  ['a database without tables', 'CREATE TABLE a (b); DROP TABLE a'],
  ['one that Litestream opened first', 'CREATE TABLE _litestream_seq (id, seq)'],
])('%s is taken', (_, statements) => {
  if (statements === '') writeFileSync(file, '')
  else made(statements)
  openDatabase(file).close()
  openDatabase(file).close()
})

it('a lock that is none is named, and not the database, which may be sound', () => {
  made('CREATE TABLE a (b); DROP TABLE a')
  const lock = `${file}.lock`
  writeFileSync(lock, 'a letter, long enough to be taken for the header of a database. '.repeat(20))
  expect(() => openDatabase(file)).toThrow(`${lock} cannot be used as a lock (file is not a database)`)
  rmSync(lock)
  openDatabase(file).close()
})

describe('a second relay on the file', () => {
  const refusal = (path: string) => `another Pollhook is using ${path}: stop it first`

  it('is refused', () => {
    const first = openDatabase(file)
    expect(() => openDatabase(file)).toThrow(refusal(file))
    first.close()
    openDatabase(file).close()
  })

  it.each(['is there', 'is yet to be made'])('is refused through a link too, when the file %s', (when) => {
    if (when === 'is there') made('CREATE TABLE a (b); DROP TABLE a')
    const link = join(folder, 'link.db')
    symlinkSync(file, link)
    const first = openDatabase(link)
    expect(() => openDatabase(file)).toThrow(refusal(file))
    first.close()
    const second = openDatabase(file)
    expect(() => openDatabase(link)).toThrow(refusal(link))
    second.close()
  })

  it('is refused through a link to the folder too', () => {
    const linked = join(folder, 'linked')
    mkdirSync(join(folder, 'real'))
    symlinkSync(join(folder, 'real'), linked)
    const first = openDatabase(join(linked, 'some.db'))
    expect(() => openDatabase(join(folder, 'real/some.db'))).toThrow('another Pollhook is using')
    first.close()
  })
})

it('a database made under another secret is refused in a sentence that names the variable once', async () => {
  const first = await start()
  await first.stop()
  const refused = start({ POLLHOOK_SECRET: Buffer.alloc(32, 8).toString('base64') })
  await expect(refused).rejects.toThrow(/^POLLHOOK_SECRET is not the one this database was made under: add/)
  // The one that was refused holds it no longer.
  const again = await start()
  await again.stop()
})

it('a relay that cannot read its deliveries is no longer there to be asked', async () => {
  const first = await start()
  await first.stop()
  const sqlite = new Sqlite(file)
  const root = sqlite.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'deliveries'").pluck().get()
  const pageSize = sqlite.pragma('page_size', { simple: true })
  sqlite.close()
  const bytes = readFileSync(file)
  const from = (Number(root) - 1) * Number(pageSize)
  writeFileSync(file, bytes.fill(0xff, from, from + Number(pageSize)))
  await expect(start({ PORT: new URL(first.url).port })).rejects.toThrow(/^POLLHOOK_DB: .*malformed/)
  await expect(fetch(`${first.url}/healthz`)).rejects.toThrow('fetch failed')
})

it('a back-up put over a crashed relay’s file is refused with the file and the remedy, which works', async () => {
  await (await start()).stop()
  const [backup, restored] = [join(folder, 'backup.db'), join(folder, 'restored.db')]
  copyFileSync(file, backup)
  // What a crash leaves: a file that grew, and a log that has what came after its last checkpoint only.
  const sqlite = new Sqlite(file)
  const grow = (prefix: string) =>
    sqlite.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
        INSERT INTO meta (key, value) SELECT '${prefix}' || i, hex(randomblob(200)) FROM n`,
    )
  grow('s')
  sqlite.pragma('wal_checkpoint(TRUNCATE)')
  grow('a')
  for (const end of ['-wal', '-shm']) copyFileSync(`${file}${end}`, `${restored}${end}`)
  sqlite.close()

  copyFileSync(backup, restored)
  await expect(start({ POLLHOOK_DB: restored })).rejects.toMatchObject({
    faults: [
      `POLLHOOK_DB: ${restored} is damaged (database disk image is malformed): put a back-up in its place, and first remove ${restored}-wal and ${restored}-shm, which belong to the file before; docs/guides/operate.md has the steps`,
    ],
  })
  for (const end of ['-wal', '-shm']) rmSync(`${restored}${end}`, { force: true })
  copyFileSync(backup, restored)
  await (await start({ POLLHOOK_DB: restored })).stop()
})

it('each commit is flushed, and what holds the file for a moment is waited for', () => {
  const { db, close } = openDatabase(file)
  const pragma = (name: string) =>
    Object.values(db.get<Record<string, unknown>>(sql.raw(`pragma ${name}`)))[0]
  const all = ['synchronous', 'journal_mode', 'busy_timeout', 'foreign_keys'].map(pragma)
  const full = 2
  expect(all).toEqual([full, 'wal', 5000, 1])
  close()
})

describe('another program that writes to the file', () => {
  it('is waited for before anything is read, not found when it comes to writing', () => {
    const { db, close } = openDatabase(file)
    const other = new Sqlite(file)
    other.exec('begin immediate')
    db.run(sql`pragma busy_timeout = 0`)
    let ran = false
    const write = () =>
      inTransaction(db, () => {
        ran = true
      })
    expect(write).toThrow('database is locked')
    expect(ran).toBe(false)
    other.exec('commit')
    write()
    expect(ran).toBe(true)
    other.close()
    close()
  })
})
