import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { prepareDatabasePath } from '../../src/node/database-path.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pollhook-path-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('the path of the database', () => {
  it('has its missing folders made', () => {
    prepareDatabasePath(join(folder, 'a/b/c/pollhook.db'))
    expect(statSync(join(folder, 'a/b/c')).isDirectory()).toBe(true)
  })

  it('may be a file that is there', () => {
    writeFileSync(join(folder, 'pollhook.db'), '')
    expect(() => prepareDatabasePath(join(folder, 'pollhook.db'))).not.toThrow()
  })

  it.each(['missing', 'empty'])(
    'that is %s beside a write-ahead log is refused, before SQLite deletes that',
    (what) => {
      const file = join(folder, 'pollhook.db')
      if (what === 'empty') writeFileSync(file, '')
      writeFileSync(`${file}-wal`, 'what was registered last')
      expect(() => prepareDatabasePath(file)).toThrow(
        `${file} is missing or empty, and ${file}-wal holds what was written to it last: put the file back, or move`,
      )
      expect(existsSync(file)).toBe(what === 'empty')
    },
  )

  it('that is a folder is told so, with a file to name instead', () => {
    mkdirSync(join(folder, 'data'))
    expect(() => prepareDatabasePath(join(folder, 'data'))).toThrow(/data is a folder; name a file in it/)
  })

  it('below a file is told so', () => {
    writeFileSync(join(folder, 'file'), '')
    expect(() => prepareDatabasePath(join(folder, 'file/x/pollhook.db'))).toThrow(
      /is a file, not a folder; set POLLHOOK_DB to/,
    )
  })

  // Linux's /proc is a folder in which nobody, not even root, can make another.
  it.skipIf(process.platform !== 'linux')('in a folder that cannot be made does not hang', () => {
    expect(() => prepareDatabasePath('/proc/nope/x.db')).toThrow(
      /the folder \/proc\/nope cannot be made \(ENOENT\); set POLLHOOK_DB to/,
    )
  })

  it('is for its user alone, whatever the umask leaves to others', () => {
    const file = join(folder, 'pollhook.db')
    const umask = process.umask(0)
    try {
      prepareDatabasePath(file)
    } finally {
      process.umask(umask)
    }
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  // Root may write everything.
  it.skipIf(process.getuid?.() === 0)('that may not be written is told so', () => {
    const file = join(folder, 'pollhook.db')
    writeFileSync(file, '')
    chmodSync(file, 0o400)
    expect(() => prepareDatabasePath(file)).toThrow(
      /pollhook.db may not be read and written \(EACCES\); set POLLHOOK_DB to/,
    )
    chmodSync(file, 0o600)
    // One that can only be read would keep no second relay out.
    writeFileSync(`${file}.lock`, '', { mode: 0o400 })
    expect(() => prepareDatabasePath(file)).toThrow(/pollhook.db.lock may not be read and written \(EACCES\)/)
    chmodSync(folder, 0o500)
    expect(() => prepareDatabasePath(join(folder, 'new.db'))).toThrow(
      /the folder .* may not be written \(EACCES\)/,
    )
    chmodSync(folder, 0o700)
  })
})
