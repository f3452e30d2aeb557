/** A supervisor signals the process that it started: with `npm start` that is npm, and the relay must hear of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { apiKey } from '../support/relay-process.ts'

it('SIGTERM to npm start stops the relay in order', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-stop-'))
  const npm = spawn('npm', ['start', '--silent'], {
    cwd: join(import.meta.dirname, '../..'),
    env: {
      ...process.env,
      PORT: '0',
      POLLHOOK_DB: join(folder, 'relay.db'),
      POLLHOOK_API_KEYS: `acme=${apiKey}`,
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(npm, 'exit')
  const messages: string[] = []
  for await (const line of createInterface({ input: npm.stdout })) {
    const { message } = JSON.parse(line) as { message: string }
    messages.push(message)
    if (message === 'listening') npm.kill('SIGTERM')
  }
  await exited
  rmSync(folder, { recursive: true })
  expect(messages.slice(-2)).toEqual(['stopping', 'stopped'])
})
