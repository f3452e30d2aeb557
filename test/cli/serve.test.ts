import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { builtBin } from '../support/built.ts'
import { freePort } from '../support/free-port.ts'
import { pollhook } from './run.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollhook-serve-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const relayEnv = () => ({
  PORT: '0',
  POLLHOOK_DB: join(folder, 'pollhook.db'),
  POLLHOOK_API_KEYS: 'acme=a-key-of-at-least-24-characters',
  POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
})

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s stops a relay cleanly, with code 0', async (name) => {
  const { code, out, err } = await pollhook(['serve'], {
    env: relayEnv(),
    signal: { at: '"listening"', name },
  })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/"url":"http:\/\/127\.0\.0\.1:[1-9]\d*"/)
  expect(out).toContain('"stopped"')
})

test('the port that PORT=0 picked is told at every level, and is all that is', async () => {
  const { code, out } = await pollhook(['serve'], {
    env: { ...relayEnv(), LOG_LEVEL: 'error' },
    signal: { at: '"listening"', name: 'SIGTERM' },
  })
  expect(code).toBe(0)
  const lines = out.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 'info', message: 'listening', url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:[1-9]/) },
  ])
})

test('a signal that comes while the relay is loaded stops it as cleanly', async () => {
  const signalAtLoad = `import { registerHooks } from 'node:module'
    registerHooks({ resolve(specifier, context, next) {
      if (specifier === '../node.js') process.kill(process.pid, 'SIGTERM')
      return next(specifier, context)
    } })`
  const { code, out, err } = await pollhook(['serve'], {
    env: {
      ...relayEnv(),
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(signalAtLoad)}`,
    },
  })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toContain('"stopped"')
})

test.each([
  ["Promise.reject(new Error('boom'))", 'unhandledRejection'],
  ["queueMicrotask(() => { throw new Error('boom') })", 'uncaughtException'],
])('a bug (%s) is the last log line, and the code is 1', async (bug, origin) => {
  const plant = `process.on('SIGUSR2', () => { ${bug} })`
  const { code, out } = await pollhook(['serve'], {
    env: { ...relayEnv(), NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(plant)}` },
    signal: { at: '"listening"', name: 'SIGUSR2' },
  })
  expect(code).toBe(1)
  const last = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
  expect(last).toMatchObject({ level: 'error', message: 'ended by a bug', origin })
  expect(JSON.stringify(last.error)).toContain('boom')
})

test('faults of the configuration are one line each on stderr, nothing on stdout', async () => {
  const { code, out, err } = await pollhook(['serve'], {
    env: { ...relayEnv(), PORT: 'x', LOG_LEVEL: 'loud' },
  })
  expect({ code, out }).toEqual({ code: 1, out: '' })
  const lines = err.trimEnd().split('\n')
  expect(lines.map((line) => /PORT|LOG_LEVEL/.exec(line)?.[0]).sort()).toEqual(['LOG_LEVEL', 'PORT'])
})

test.skipIf(!existsSync('/dev/full'))('a log that cannot be written stops no relay', async () => {
  const port = await freePort()
  const full = openSync('/dev/full', 'w')
  const relay = spawn(process.execPath, [builtBin, 'serve'], {
    env: { PATH: process.env.PATH, ...relayEnv(), PORT: String(port) },
    stdio: ['ignore', full, 'inherit'],
  })
  const ended = once(relay, 'exit')
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).then(({ status }) => status)
  try {
    await expect.poll(() => ask('/readyz').catch(() => 0), { timeout: 10_000 }).toBe(200)
    // Each has a line of the log.
    for (let n = 0; n < 5; n++) expect(await ask('/v1/tasks')).toBe(401)
    expect(await ask('/readyz')).toBe(200)
  } finally {
    relay.kill('SIGTERM')
    closeSync(full)
  }
  expect(await ended).toEqual([0, null])
})
