/** One small file for every line of the layer table (docs/architecture.md) that must not pass the linter. */

export interface Violation {
  /** What the test is called: `<breaks> is refused`. */
  breaks: string
  path: string
  code: string
  rule: string
}

const imports = 'lint/style/noRestrictedImports'
const globals = 'lint/style/noRestrictedGlobals'
/** The GritQL plugin beside this file. */
const clock = 'plugin'

const importCases: readonly (readonly [folder: string, specifier: string])[] = [
  ['core', '../store/records.ts'],
  ['core', '../ports.ts'],
  ['core', 'hono'],
  ['core', 'drizzle-orm'],
  ['core', 'node:crypto'],
  ['keys', '../store/owners.ts'],
  ['keys', 'node:crypto'],
  ['store', '../engine/heap.ts'],
  ['store', '../http/app.ts'],
  ['store', '../net/qencode.ts'],
  ['store', 'drizzle-orm/better-sqlite3'],
  ['store', 'drizzle-orm/durable-sqlite'],
  ['engine', 'drizzle-orm'],
  ['engine', 'hono'],
  ['engine', '../net/qencode.ts'],
  ['engine', '../http/app.ts'],
  ['engine', '../config.ts'],
  ['net', '../store/store.ts'],
  ['net', '../engine/poll.ts'],
  ['net', './node/send.ts'],
  ['net', 'undici'],
  ['net', 'node:net'],
  ['net/node', '../../store/store.ts'],
  ['net/node', '../../engine/poll.ts'],
  ['http', '../engine/poll.ts'],
  ['http', '../relay.ts'],
  ['http', '../node.ts'],
  ['http', '../net/qencode.ts'],
  ['http', '@hono/node-server'],
  ['http', 'hono/cloudflare-workers'],
  ['http', 'drizzle-orm'],
  ['dashboard', '../engine/poll.ts'],
  ['dashboard', 'node:fs'],
  ['shards', 'cloudflare:workers'],
  ['shards', '../store/owners.ts'],
  ['shards', '../http/problem.ts'],
  ['client', '../core/payload.ts'],
  ['client', '../http/app.ts'],
  ['client', 'hono'],
  ['client', 'node:crypto'],
  ['config', 'node:os'],
  ['config', 'hono'],
  ['config', '../engine/poll.ts'],
  ['config', '../log.ts'],
  ['node', '../engine/poll.ts'],
  ['node', '../core/transition.ts'],
  ['node', 'cloudflare:workers'],
  ['worker', '../engine/poll.ts'],
  ['worker', '../core/delivery.ts'],
  ['worker', 'node:fs'],
  ['worker', '../net/node/send.ts'],
  ['cli', '../engine/poll.ts'],
  ['cli', '../store/store.ts'],
  ['cli', 'better-sqlite3'],
  ['cli', 'hono'],
  ['simulator', '../core/snapshot.ts'],
  ['simulator', '../relay.ts'],
]

/** Files of the root of `src`, by what they must not import. */
const rootImportCases: readonly (readonly [file: string, specifier: string])[] = [
  ['relay', 'node:crypto'],
  ['relay', 'cloudflare:workers'],
  ['relay', './node.ts'],
  ['relay', './net/node/send.ts'],
  ['relay', './worker/shard.ts'],
  ['config', 'node:process'],
  ['config', './log.ts'],
  ['log', 'node:fs'],
  ['log', './http/app.ts'],
  ['metrics', './http/app.ts'],
  ['metrics', './config.ts'],
  ['commands', './engine/poll.ts'],
  ['node', './core/backoff.ts'],
  ['node', './worker/shard.ts'],
  ['worker', './node/database.ts'],
]

const clockUses = [
  'Date.now()',
  'Date.now',
  'new Date()',
  'new Date',
  'Date()',
  'Math.random()',
  'crypto.randomUUID()',
]
const portableFolders = ['core', 'store', 'engine', 'http', 'dashboard', 'keys', 'config', 'shards']
const runtimeGlobals = ['process', 'Buffer', 'globalThis', 'self', 'global']
const bannedGlobals = [
  ...runtimeGlobals,
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'WebSocket',
  'EventSource',
  'XMLHttpRequest',
]

const lines = (count: number, line: string) => `${line}\n`.repeat(count)

const others: readonly Violation[] = [
  {
    breaks: 'crypto in core',
    path: 'src/core/digest.ts',
    code: 'export const x = crypto.subtle\n',
    rule: globals,
  },
  {
    breaks: 'a clock in relay.ts',
    path: 'src/relay-clock.ts',
    code: 'export const x = Date.now()\n',
    rule: clock,
  },
  {
    breaks: 'a default export',
    path: 'src/http/default.ts',
    code: 'export default 1\n',
    rule: 'lint/style/noDefaultExport',
  },
  {
    breaks: 'a promise that nobody waits for',
    path: 'src/http/floating.ts',
    code: 'async function work(): Promise<number> {\n  return 1\n}\nwork()\n',
    rule: 'lint/nursery/noFloatingPromises',
  },
  {
    breaks: 'any',
    path: 'src/core/any.ts',
    code: 'export const x = (y: any) => y\n',
    rule: 'lint/suspicious/noExplicitAny',
  },
  {
    breaks: 'console in the relay',
    path: 'src/http/console.ts',
    code: "console.log('x')\n",
    rule: 'lint/suspicious/noConsole',
  },
  {
    breaks: 'a ts-ignore',
    path: 'src/core/ignored.ts',
    code: '// @ts-ignore\nexport const x: number = ""\n',
    rule: 'lint/suspicious/noTsIgnore',
  },
  {
    breaks: 'a function of more than 70 lines',
    path: 'src/http/long-function.ts',
    code: `export function long(x: string[]) {\n${lines(71, "  x.push('y')")}}\n`,
    rule: 'lint/complexity/noExcessiveLinesPerFunction',
  },
  {
    breaks: 'a file of more than 300 lines',
    path: 'src/store/long-file.ts',
    code: lines(301, 'export {}'),
    rule: 'lint/style/noExcessiveLinesPerFile',
  },
  {
    breaks: 'an import cycle',
    path: 'src/core/cycle-a.ts',
    code: "import { b } from './cycle-b.ts'\nexport const a = () => b\n",
    rule: 'lint/suspicious/noImportCycles',
  },
  {
    breaks: 'the other half of an import cycle',
    path: 'src/core/cycle-b.ts',
    code: "import { a } from './cycle-a.ts'\nexport const b = () => a\n",
    rule: 'lint/suspicious/noImportCycles',
  },
  {
    breaks: 'a skipped test',
    path: 'test/skipped.test.ts',
    code: "import { it } from 'vitest'\nit.skip('x', () => {})\n",
    rule: 'lint/suspicious/noSkippedTests',
  },
  {
    breaks: 'a focused test',
    path: 'test/focused.test.ts',
    code: "import { it } from 'vitest'\nit.only('x', () => {})\n",
    rule: 'lint/suspicious/noFocusedTests',
  },
]

const importViolation = (folder: string, specifier: string, path: string): Violation => ({
  breaks: `${specifier} in ${folder}`,
  path,
  code: `export * from '${specifier}'\n`,
  rule: imports,
})

const globalViolation = (folder: string, name: string): Violation => ({
  breaks: `${name} in ${folder}`,
  path: `src/${folder}/global-${name}.ts`,
  code: `export const x = ${name}\n`,
  rule: globals,
})

export const violations: readonly Violation[] = [
  ...importCases.map(([folder, specifier], i) =>
    importViolation(folder, specifier, `src/${folder}/import-${i}.ts`),
  ),
  // The same rules hold for node.ts and node/, worker.ts and worker/; a root file can break one at a time.
  ...rootImportCases.map(([file, specifier]) => importViolation(`${file}.ts`, specifier, `src/${file}.ts`)),
  ...portableFolders.flatMap((folder) =>
    clockUses.map((use, i) => ({
      breaks: `${use} in ${folder}`,
      path: `src/${folder}/clock-${i}.ts`,
      code: `export const x = ${use}\n`,
      rule: clock,
    })),
  ),
  ...portableFolders.flatMap((folder) => bannedGlobals.map((name) => globalViolation(folder, name))),
  // These two talk to the network and read the clock, in no other way than the platform's.
  ...['net', 'worker'].flatMap((folder) => runtimeGlobals.map((name) => globalViolation(folder, name))),
  ...others,
]

/** What the same layers may do. */
export const allowed: Readonly<Record<string, string>> = {
  'src/core/good.ts': "export * from 'ipaddr.js'\nexport * from './other.ts'\nexport const x = new Date(5)\n",
  'src/core/other.ts': "export const y = Date.parse('2026-11-23')\n",
  'src/keys/good.ts': "export * from '@noble/hashes/sha2.js'\nexport * from '../core/good.ts'\n",
  'src/store/good.ts': "export * from 'drizzle-orm/sqlite-core'\nexport * from '../core/good.ts'\n",
  'src/engine/good.ts': "export * from '../ports.ts'\nexport * from '../store/good.ts'\n",
  'src/net/good.ts':
    "export * from '../core/good.ts'\nexport const now = Date.now()\nexport const f = fetch\n",
  'src/net/node/good.ts': "export * from 'node:crypto'\nexport * from 'undici'\n",
  'src/http/good.ts': "export * from 'hono'\nexport * from 'valibot'\nexport * from '../store/good.ts'\n",
  'src/config/good.ts': "export * from '../core/good.ts'\nexport * from '../keys/good.ts'\n",
  'src/shards/good.ts': "export * from '../core/good.ts'\nexport * from '../store/records.ts'\n",
  'src/node/good.ts': "export * from 'better-sqlite3'\nexport const x = process.pid\n",
  'src/worker/good.ts': "export * from 'cloudflare:workers'\nexport const now = Date.now()\n",
  'src/cli/good.ts':
    "export * from '../node.ts'\nexport * from '../config.ts'\nexport const x = Math.random()\n",
  'src/simulator/good.ts': "export * from 'hono'\nexport const x = setTimeout\n",
  'src/ports.ts': "export * from './core/good.ts'\n",
  'vitest.config.ts': 'export default {}\n',
}
