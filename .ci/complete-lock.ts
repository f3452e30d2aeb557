/**
 * Completes package-lock.json after `npm install`. npm leaves out what a registry mirror does not offer, and then
 * `npm ci` refuses the file on every machine; and it forgets that better-sqlite3 needs no compiler, so that older
 * npm versions start one.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Entry {
  version: string
  cpu?: string[]
  os?: string[]
  libc?: string[]
  dev?: boolean
  license?: string
  optional?: boolean
  engines?: Record<string, string>
  optionalDependencies?: Record<string, string>
  gypfile?: boolean
}

const file = join(import.meta.dirname, '../package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> }

/** Where Node would find `name` from the package at `from`. */
function locate(from: string, name: string): string | null {
  const key = `${from === '' ? '' : `${from}/`}node_modules/${name}`
  if (lock.packages[key] !== undefined) return key
  if (from === '') return null
  return locate(from.slice(0, Math.max(0, from.lastIndexOf('node_modules/') - 1)), name)
}

/** A package of binaries for one platform, as its name says; null for any other package. */
function platformEntry(name: string, version: string, sibling: Entry): Entry | null {
  const match = /(android|darwin|linux|win32|windows)-(arm64|x64|64)(-musl)?$/.exec(name)
  if (match === null) return null
  const [, os = '', cpu = '', musl] = match
  return {
    version,
    cpu: [cpu === '64' ? 'x64' : cpu],
    ...(sibling.dev === true && { dev: true }),
    ...(musl !== undefined && { libc: ['musl'] }),
    ...(sibling.license !== undefined && { license: sibling.license }),
    optional: true,
    os: [os === 'windows' ? 'win32' : os],
    ...(sibling.engines && { engines: sibling.engines }),
  }
}

for (const [key, { optionalDependencies = {} }] of Object.entries(lock.packages)) {
  const isLocked = (name: string, version: string) =>
    lock.packages[locate(key, name) ?? '']?.version === version
  // All platforms of one tool have one exact version.
  const locked = Object.entries(optionalDependencies).find(([name, version]) => isLocked(name, version))
  const siblingKey = locked && locate(key, locked[0])
  if (!locked || !siblingKey) continue
  const folder = siblingKey.slice(0, -locked[0].length)
  for (const [name, version] of Object.entries(optionalDependencies)) {
    if (isLocked(name, version) || version !== locked[1]) continue
    const entry = platformEntry(name, version, lock.packages[siblingKey] as Entry)
    if (entry !== null) lock.packages[folder + name] = entry
  }
}
for (const [key, entry] of Object.entries(lock.packages)) {
  if (key.endsWith('node_modules/better-sqlite3')) entry.gypfile = false
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
