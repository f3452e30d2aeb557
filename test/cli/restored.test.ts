/** `pollhook restored` on files that are there, missing, in use, or no database of Pollhook's. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openDatabase } from '../../src/node/database.ts'
import { readNumbering } from '../../src/store/numbering.ts'
import { pollhook } from './run.ts'

let folder: string
let file: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollhook-restored-'))
  file = join(folder, 'pollhook.db')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const restored = () => pollhook(['restored'], { env: { POLLHOOK_DB: file } })

test('a database is marked, and says from which seq on', async () => {
  openDatabase(file).close()
  const { code, out, err } = await restored()
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const database = openDatabase(file)
  const { seq } = readNumbering(database.db)
  database.close()
  expect(seq).toBeGreaterThan(0)
  expect(out).toBe(
    `${file} is marked as restored. The 0 tasks in it go on above seq ${seq}. Now start the relay.\n`,
  )
  // A log of its own that is left behind would belong to whoever ran the command.
  expect(readdirSync(folder).sort()).toEqual(['pollhook.db', 'pollhook.db.lock'])
})

test('a path that a relay would not take either is refused for the same reason', async () => {
  const { code, err } = await pollhook(['restored'], { env: { POLLHOOK_DB: 'file:/var/lib/pollhook.db' } })
  expect({ code, err }).toEqual({
    code: 1,
    err: 'error: POLLHOOK_DB is a URL, not a path; for example POLLHOOK_DB=/var/lib/pollhook/pollhook.db\n',
  })
})

test('one that a relay is using is refused, and stays as it is', async () => {
  const used = openDatabase(file)
  const { code, err } = await restored()
  expect({ code, err }).toEqual({
    code: 1,
    err: `error: another Pollhook is using ${file}: stop it first, or set POLLHOOK_DB to another file; for example POLLHOOK_DB=data/other.db\n`,
  })
  expect(readNumbering(used.db).seq).toBe(0)
  used.close()
})

test('where there is no file none is made', async () => {
  const { code, err } = await restored()
  expect({ code, err }).toEqual({
    code: 1,
    err: `error: POLLHOOK_DB: there is no file ${file}: put the back-up there first\n`,
  })
  expect(existsSync(file)).toBe(false)
})

test('a damaged copy is told as such', async () => {
  openDatabase(file).close()
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.fill(0x5a, 100))
  const { code, err } = await restored()
  expect(code).toBe(1)
  expect(err).toContain(`error: POLLHOOK_DB: ${file} is damaged (`)
})
