import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hashApiKey } from '../../src/keys/api-keys.ts'
import { loadSigningKey } from '../../src/keys/signing-key.ts'
import { builtBin } from '../support/built.ts'
import { pollhook } from './run.ts'

const source = join(import.meta.dirname, '../../src/cli/pollhook.ts')

test('--version is the version of the package', async () => {
  const text = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')
  const { version } = JSON.parse(text) as { version: string }
  const told = { code: 0, out: `${version}\n`, err: '' }
  expect(await pollhook(['--version'])).toEqual(told)
  expect(await pollhook(['--version'], { bin: source })).toEqual(told)
})

test('--help lists the commands and shows examples, without colours where there is no terminal', async () => {
  const { code, out } = await pollhook(['--help'])
  expect(code).toBe(0)
  for (const word of ['serve', 'demo', 'simulate', 'listen', 'keys', 'Examples:', 'pollhook keys new acme']) {
    expect(out).toContain(word)
  }
  expect(out).not.toContain('\u001b')
  // Run twice it would be another secret, under which the database of the first is not to be read.
  expect(out).not.toContain('POLLHOOK_SECRET=$(')
})

test.each(['serve', 'demo', 'simulate', 'listen', 'keys'])(
  '%s --help explains the command',
  async (command) => {
    const { code, out } = await pollhook([command, '--help'])
    expect(code).toBe(0)
    expect(out).toContain(`Usage: pollhook ${command}`)
  },
)

test('what is wrong for a command under another leads to its own help', async () => {
  const { code, err } = await pollhook(['keys', 'new', 'acme', 'extra'])
  expect(code).toBe(1)
  expect(err).toContain('Run "pollhook keys new --help" for what it takes.')
})

test('keys new prints a key and the hash that lets it in', async () => {
  const { code, out } = await pollhook(['keys', 'new', 'acme'])
  expect(code).toBe(0)
  const key = /^key: {3}(\S{24,})$/m.exec(out)?.[1]
  const entry = /^entry: (\S+)$/m.exec(out)?.[1]
  expect(key).not.toMatch(/[=,]/)
  expect(entry).toBe(`acme=sha256:${hashApiKey(key ?? '')}`)
  expect((await pollhook(['keys', 'new', 'acme'])).out).not.toContain(key)
})

test('keys signing prints a key whose halves belong together, alone on stdout, another one each time', async () => {
  const { code, out } = await pollhook(['keys', 'signing'])
  expect(code).toBe(0)
  expect(await loadSigningKey(out.trimEnd())).not.toBeNull()
  expect((await pollhook(['keys', 'signing'])).out).not.toBe(out)
})

test.each([
  [['keys', 'new', 'Not OK'], 'Use 1 to 32 of a-z'],
  [['simulate', '--speed', 'fast'], 'Give a number above 0'],
  [['simulate', '--speed', '0'], 'Give a number above 0'],
  [['simulate', '--fail-rate', '1.5'], 'Give a number from 0 to 1'],
  [['simulate', '--fail-rate', ''], 'Give a number from 0 to 1'],
  [['simulate', '--port', '70000'], 'Give a whole number from 0 to 65535'],
  [['simulate', '--latency', 'long'], 'Give a duration like 500ms'],
  [['simulate', '--nope'], "unknown option '--nope'"],
  [['frobnicate'], "unknown command 'frobnicate'"],
])('%j is refused, and the error says what to do', async (args, advice) => {
  const { code, out, err } = await pollhook(args)
  expect(code).toBe(1)
  expect(out).toBe('')
  expect(err).toContain(advice)
  expect(err).toContain('--help')
})

test('simulate says how to point a relay at it, and ends with code 0 at SIGTERM', async () => {
  const { code, out, err } = await pollhook(['simulate', '--port', '0', '--jobs', '2', '--seed', '5'], {
    signal: { at: 'Ctrl-C', name: 'SIGTERM' },
  })
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(out).toMatch(/POLLHOOK_UPSTREAM_URL=http:\/\/127\.0\.0\.1:\d+\n/)
  expect(out).toContain("POLLHOOK_UPSTREAM_HOSTS='127.0.0.1:*'")
  expect(out.match(/^job \d: [a-f0-9]{32} http/gm)).toHaveLength(2)
})

test('a port that is taken is an error with a way out', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { code, err } = await pollhook(['simulate', '--port', String(port)])
  await new Promise((resolve) => server.close(resolve))
  expect(code).toBe(1)
  expect(err).toContain(`port ${port} is in use: choose another with --port`)
})

test('keys new --json is one object', async () => {
  const { code, out } = await pollhook(['keys', 'new', 'acme', '--json'])
  expect(code).toBe(0)
  const { owner, key, entry } = JSON.parse(out) as Record<string, string>
  expect({ owner, entry }).toEqual({ owner: 'acme', entry: `acme=sha256:${hashApiKey(key ?? '')}` })
})

test('a relay that cannot be reached is an error that says what to do', async () => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await new Promise((resolve) => server.close(resolve))
  for (const args of [['deliveries'], ['watch', 'a'.repeat(32)], ['redeliver', 'dlv_x'], ['endpoints']]) {
    const { code, out, err } = await pollhook([...args, '--url', url, '--key', 'any'])
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toBe(`error: no Pollhook answers at ${url} (ECONNREFUSED): start one, or give its --url\n`)
  }
})

test.each([
  [
    'a line feed',
    ['--key', 'phk_abc\nSECRET'],
    'at position 8 of 14, as no key has: check POLLHOOK_KEY or --key',
  ],
  ['another script', ['--key', 'SECRETключ'], 'at position 7 of 10'],
  ['a password', ['--key', 'any', '--url', 'http://user:SECRET@127.0.0.1:9999'], 'give it without'],
  [
    'a password in a URL that is none',
    ['--key', 'any', '--url', 'http://user:SECRET@a b'],
    'give it without',
  ],
])('what is wrong with %s is said, and the secret is not', async (_, args, advice) => {
  const { code, out, err } = await pollhook(['endpoints', ...args])
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err).toMatch(/^error: .*\n$/)
  expect(err).toContain(advice)
  expect(err).not.toContain('SECRET')
})

test('a port that fetch never calls is the reason, not a relay that is not there', async () => {
  const { code, err } = await pollhook(['endpoints', '--url', 'http://127.0.0.1:1', '--key', 'any'])
  expect(code).toBe(1)
  expect(err).toBe(
    'error: http://127.0.0.1:1 was not asked: like a browser, this command calls no port that belongs to another protocol: let the relay listen on another, e.g. PORT=8080\n',
  )
})

test('a reader that goes away ends a command quietly, and a waiting one stops in order', async () => {
  const simulate = spawn(process.execPath, [builtBin, 'simulate', '--port', '0', '--jobs', '5000'])
  let err = ''
  simulate.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  simulate.stdout.once('data', () => simulate.stdout.destroy())
  const code = await new Promise((resolve) => simulate.once('close', resolve))
  expect({ code, err }).toEqual({ code: 141, err: '' })

  const keys = spawn(process.execPath, [builtBin, 'keys', 'new', 'acme', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  keys.stdout.destroy()
  expect(await new Promise((resolve) => keys.once('close', resolve))).toBe(141)
})

test.skipIf(!existsSync('/dev/full'))('output that cannot be written is one line of trouble', async () => {
  const full = openSync('/dev/full', 'w')
  const keys = spawn(process.execPath, [builtBin, 'keys', 'new', 'acme', '--json'], {
    stdio: ['ignore', full, 'pipe'],
  })
  let err = ''
  keys.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const code = await new Promise((resolve) => keys.once('close', resolve))
  closeSync(full)
  expect(code).toBe(1)
  expect(err).toBe('error: the output cannot be written: ENOSPC: no space left on device, write\n')
})

test('serve without configuration names every variable that is missing and ends with code 1', async () => {
  const { code, err } = await pollhook(['serve'])
  expect(code).toBe(1)
  expect(err).toContain('POLLHOOK_API_KEYS')
  expect(err).toContain('POLLHOOK_SECRET')
})
