import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Config, readConfig, variables } from '../../src/config.ts'
import { parseDuration } from '../../src/core/duration.ts'
import { hashApiKey } from '../../src/keys/api-keys.ts'

const key = 'k'.repeat(24)
const secret = Buffer.alloc(32, 7).toString('base64')
const required = { POLLHOOK_API_KEYS: `acme=${key}`, POLLHOOK_SECRET: secret }

function configOf(env: Record<string, string>): Config {
  const read = readConfig({ ...required, ...env })
  if (!read.ok) throw new Error(read.faults.join('\n'))
  return read.config
}

function faultsOf(env: Record<string, string | undefined>): string[] {
  const read = readConfig({ ...required, ...env })
  return read.ok ? [] : read.faults
}

it('takes what TOML has without quotes, as the vars of a Worker', () => {
  const vars = { POLLHOOK_SHARDS: 4, POLLHOOK_INSECURE_CALLBACKS: true, POLLHOOK_PORT: 8080 }
  const config = configOf(vars as unknown as Record<string, string>)
  expect(config).toMatchObject({ shards: [{ shards: 4 }], callbacks: { insecure: true } })
  const odd = { POLLHOOK_PRIVATE_CALLBACKS: false, POLLHOOK_UPSTREAM_HOSTS: 7, POLLHOOK_POLL_BATCH: null }
  expect(faultsOf(odd as unknown as Record<string, string>)).toEqual([
    expect.stringContaining('POLLHOOK_PRIVATE_CALLBACKS'),
  ])
  const seconds = { POLLHOOK_POLL_INTERVAL: 5 } as unknown as Record<string, string>
  expect(faultsOf(seconds)).toEqual([expect.stringContaining('POLLHOOK_POLL_INTERVAL is "5"')])
})

describe('defaults', () => {
  it('are those of the contract when only keys and a secret are given', () => {
    const { apiKeys: _keys, secrets: _secrets, upstream, ...rest } = configOf({})
    expect(upstream.apiOrigin).toBe('https://api.qencode.com')
    expect(upstream.hostPatterns).toEqual([{ host: 'qencode.com', below: true, port: null }])
    expect(rest).toEqual({
      listen: { host: '127.0.0.1', port: 8080 },
      databasePath: 'data/pollhook.db',
      poll: {
        intervalMs: 5_000,
        intervalMaxMs: 30_000,
        batch: 100,
        concurrency: 4,
        timeoutMs: 20_000,
        lostAfterMs: 600_000,
      },
      watch: { defaultMs: 86_400_000, maxMs: 604_800_000 },
      delivery: {
        timeoutMs: 15_000,
        concurrency: 256,
        endpointConcurrency: 64,
        retryScheduleMs: [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000],
        retryScheduleInterimMs: [5_000, 30_000],
      },
      callbacks: { insecure: false, privateCidrs: [] },
      signingKey: null,
      ownerQuota: 100_000,
      retentionMs: 2_592_000_000,
      shards: [{ generation: 1, shards: 1 }],
      logLevel: 'info',
    })
  })

  it('stand for a variable that is set to nothing', () => {
    expect(configOf({ PORT: '', POLLHOOK_POLL_BATCH: ' ' })).toEqual(configOf({}))
  })

  it('are the values in the README, which names every variable', () => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
    const missing = variables.filter((name) => !readme.includes(`\`${name}\``))
    expect(missing).toEqual([])
  })
})

describe('keys', () => {
  it('are kept as hashes, several per owner', () => {
    const hash = 'A'.repeat(64)
    const longest = 'k'.repeat(512)
    const { apiKeys } = configOf({
      POLLHOOK_API_KEYS: `acme=${key}, acme=${key}=+/, b-2=sha256:${hash}, b-2=${longest}`,
    })
    expect(apiKeys).toEqual([
      { owner: 'acme', sha256Hex: hashApiKey(key) },
      { owner: 'acme', sha256Hex: hashApiKey(`${key}=+/`) },
      { owner: 'b-2', sha256Hex: hash.toLowerCase() },
      { owner: 'b-2', sha256Hex: hashApiKey(longest) },
    ])
  })

  it.each([
    ['is not an owner=key pair', key],
    ['is not an owner=key pair', `acme=${key},`],
    ['has an owner that is not', `Acme=${key}`],
    ['has an owner that is not', `${'a'.repeat(33)}=${key}`],
    ['has a key of 23 characters', `acme=${'k'.repeat(23)}`],
    ['has a key of 513 characters, more than 512', `acme=${'k'.repeat(513)}`],
    ['has a sha256: that is not 64 hex digits', 'acme=sha256:abcdef0123456789abcdef0123456789'],
    ['no header can carry', `acme=${key} ${key}`],
    ['has a key that another owner has', `acme=${key},other=${key}`],
    ['has a key that another owner has', `acme=${key},other=sha256:${hashApiKey(key)}`],
  ])('a list that %s is a fault', (problem, text) => {
    const faults = faultsOf({ POLLHOOK_API_KEYS: text })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^POLLHOOK_API_KEYS entry \d /)
    expect(faults[0]).toContain(problem)
  })

  it('with a bad owner and a short key have both told at once', () => {
    const faults = faultsOf({ POLLHOOK_API_KEYS: 'Bad=short' })
    expect(faults).toHaveLength(2)
    expect(faults[0]).toContain('owner')
    expect(faults[1]).toContain('5 characters')
  })

  it('and secrets are never repeated in a fault, not even when owner and key are swapped', () => {
    const secretive = {
      POLLHOOK_API_KEYS: 'swapped-key-0123456789abcdef=acme,acme=too-short-a-key',
      POLLHOOK_SECRET: `c2hvcnQtc2VjcmV0,!not-base64-secret!`,
      POLLHOOK_SIGNING_KEY: 'whsk_c2VjcmV0',
      POLLHOOK_UPSTREAM_URL: 'https://user:password@api.qencode.com',
    }
    const faults = faultsOf(secretive).join('\n')
    expect(faults.split('\n')).toHaveLength(6)
    for (const part of ['swapped-key', 'too-short', 'c2hv', 'not-base64-secret', 'c2VjcmV0', 'password']) {
      expect(faults).not.toContain(part)
    }
  })
})

describe('secrets', () => {
  it('are bytes, newest first', () => {
    const older = Buffer.alloc(48, 9)
    expect(configOf({ POLLHOOK_SECRET: `${secret},${older.toString('base64')}` }).secrets).toEqual([
      new Uint8Array(32).fill(7),
      new Uint8Array(older),
    ])
  })

  it.each([
    ['value 1 is not base64', 'no base64'],
    ['value 2 has 0 bytes', `${secret},`],
    ['value 1 has 31 bytes', Buffer.alloc(31).toString('base64')],
  ])('%s is a fault', (problem, text) => {
    expect(faultsOf({ POLLHOOK_SECRET: text })).toEqual([
      expect.stringMatching(new RegExp(`^POLLHOOK_SECRET ${problem}`)),
    ])
  })

  it('of the ed25519 kind have a seed and a public key', () => {
    const signingKey = `whsk_${Buffer.alloc(64, 1).toString('base64')}`
    expect(configOf({ POLLHOOK_SIGNING_KEY: signingKey }).signingKey).toBe(signingKey)
    expect(faultsOf({ POLLHOOK_SIGNING_KEY: `whsk_${secret}` })).toHaveLength(1)
  })
})

describe('values', () => {
  it('are read in their own units', () => {
    const config = configOf({
      HOST: '::1',
      PORT: '0',
      POLLHOOK_UPSTREAM_URL: 'http://127.0.0.1:9000',
      POLLHOOK_UPSTREAM_HOSTS: '127.0.0.1:*',
      POLLHOOK_POLL_INTERVAL: '100ms',
      POLLHOOK_RETRY_SCHEDULE: '1s, 2m',
      POLLHOOK_RETRY_SCHEDULE_INTERIM: Array(20).fill('1s').join(),
      POLLHOOK_INSECURE_CALLBACKS: 'TRUE',
      POLLHOOK_PRIVATE_CALLBACKS: '127.0.0.0/8,::1/128',
      POLLHOOK_SHARDS: '2:8,1:4',
      LOG_LEVEL: 'debug',
    })
    expect(config.listen).toEqual({ host: '::1', port: 0 })
    expect(config.upstream.apiOrigin).toBe('http://127.0.0.1:9000')
    expect(config.upstream.hostPatterns).toEqual([{ host: '127.0.0.1', below: false, port: '*' }])
    expect(config.poll.intervalMs).toBe(100)
    expect(config.delivery.retryScheduleMs).toEqual([1_000, 120_000])
    expect(config.delivery.retryScheduleInterimMs).toEqual(Array(20).fill(1_000))
    expect(config.callbacks.insecure).toBe(true)
    expect(config.callbacks.privateCidrs).toHaveLength(2)
    expect(config.shards).toEqual([
      { generation: 2, shards: 8 },
      { generation: 1, shards: 4 },
    ])
    expect(config.logLevel).toBe('debug')
  })

  it('a timeout may be a day, and says so when it is more: a timer would overflow', () => {
    const day = { POLLHOOK_DELIVERY_TIMEOUT: '24h', POLLHOOK_POLL_TIMEOUT: '1d' }
    expect(configOf(day)).toMatchObject({
      delivery: { timeoutMs: 86_400_000 },
      poll: { timeoutMs: 86_400_000 },
    })
    expect(faultsOf({ POLLHOOK_DELIVERY_TIMEOUT: '30d' })).toEqual([
      'POLLHOOK_DELIVERY_TIMEOUT is "30d", not a duration from 10ms to 1d; for example POLLHOOK_DELIVERY_TIMEOUT=15s',
    ])
  })

  it('8 shards are the first generation', () => {
    expect(configOf({ POLLHOOK_SHARDS: '8' }).shards).toEqual([{ generation: 1, shards: 8 }])
  })

  it.each([
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['POLLHOOK_DB', '~/pollhook.db'],
    ['POLLHOOK_DB', 'file:/var/lib/pollhook.db'],
    ['POLLHOOK_UPSTREAM_URL', 'api.qencode.com'],
    ['POLLHOOK_UPSTREAM_URL', 'ftp://api.qencode.com'],
    ['POLLHOOK_UPSTREAM_URL', 'https://api.qencode.com/v1'],
    ['POLLHOOK_UPSTREAM_URL', 'https://api.qencode.com/?key=1'],
    ['POLLHOOK_UPSTREAM_URL', 'https://:password@api.qencode.com'],
    ['POLLHOOK_UPSTREAM_HOSTS', 'https://qencode.com/'],
    ['POLLHOOK_POLL_INTERVAL', '5'],
    ['POLLHOOK_POLL_INTERVAL', '-5s'],
    ['POLLHOOK_POLL_INTERVAL', '0s'],
    ['POLLHOOK_POLL_INTERVAL', '31s'],
    ['POLLHOOK_POLL_INTERVAL_MAX', '1s'],
    ['POLLHOOK_POLL_BATCH', '0'],
    ['POLLHOOK_POLL_CONCURRENCY', 'four'],
    ['POLLHOOK_WATCH_DEFAULT', '8d'],
    ['POLLHOOK_WATCH_MAX', '1h'],
    ['POLLHOOK_DELIVERY_TIMEOUT', '15 s'],
    ['POLLHOOK_DELIVERY_TIMEOUT', '30d'],
    ['POLLHOOK_DELIVERY_TIMEOUT', '86401s'],
    ['POLLHOOK_POLL_TIMEOUT', '25h'],
    ['POLLHOOK_RETRY_SCHEDULE', '5s,,5m'],
    ['POLLHOOK_RETRY_SCHEDULE', '5s,'],
    ['POLLHOOK_RETRY_SCHEDULE_INTERIM', Array(21).fill('1s').join()],
    ['POLLHOOK_INSECURE_CALLBACKS', 'yes'],
    ['POLLHOOK_PRIVATE_CALLBACKS', '127.0.0.1'],
    ['POLLHOOK_OWNER_QUOTA', '1e5'],
    ['POLLHOOK_RETENTION', '99999d'],
    ['POLLHOOK_SHARDS', '0'],
    ['POLLHOOK_SHARDS', '1:4,2:8'],
    ['POLLHOOK_SHARDS', '2:8,2:4'],
    ['POLLHOOK_SHARDS', '8,4'],
    ['LOG_LEVEL', 'verbose'],
  ])('%s=%s is one fault: the variable, the problem, an example', (name, value) => {
    const faults = faultsOf({ [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(/^(POLLHOOK_[A-Z_]+|PORT|LOG_LEVEL) .+; for example \1=.+$/)
    expect(faults[0]).toContain(name)
  })

  it.each([
    [
      { POLLHOOK_POLL_INTERVAL: '60s' },
      'POLLHOOK_POLL_INTERVAL_MAX is 30s, shorter than POLLHOOK_POLL_INTERVAL, which is 1m; for example POLLHOOK_POLL_INTERVAL_MAX=1m',
    ],
    [
      { POLLHOOK_WATCH_DEFAULT: '8d' },
      'POLLHOOK_WATCH_MAX is 7d, shorter than POLLHOOK_WATCH_DEFAULT, which is 8d; for example POLLHOOK_WATCH_MAX=8d',
    ],
    [
      { POLLHOOK_WATCH_MAX: '1h' },
      'POLLHOOK_WATCH_DEFAULT is 1d, longer than POLLHOOK_WATCH_MAX, which is 1h; for example POLLHOOK_WATCH_DEFAULT=1h',
    ],
  ])('%j contradicts another one: both are told, and following the example helps', (env, fault) => {
    expect(faultsOf(env)).toEqual([fault])
    const [name = '', value = ''] = fault.split('for example ')[1]!.split('=')
    expect(faultsOf({ ...env, [name]: value })).toEqual([])
  })

  it.each([
    ['POLLHOOK_UPSTREAM_HOSTS', ['https://a.test', 'b.test/v1']],
    ['POLLHOOK_PRIVATE_CALLBACKS', ['10.0.0.0/33', 'zz']],
  ])('%s has a line for each of its bad entries', (name, entries) => {
    const faults = faultsOf({ [name]: entries.join(',') })
    expect(faults).toEqual(entries.map((entry) => expect.stringContaining(`"${entry}"`)))
  })

  it.each([
    [
      { POLLHOOK_POLL_INTERVAL: '5S', POLLHOOK_POLL_INTERVAL_MAX: '400ms' },
      ['POLLHOOK_POLL_INTERVAL is "5S"'],
    ],
    [
      { POLLHOOK_POLL_INTERVAL: '2m', POLLHOOK_POLL_INTERVAL_MAX: '5M' },
      ['POLLHOOK_POLL_INTERVAL_MAX is "5M"'],
    ],
    [{ POLLHOOK_WATCH_DEFAULT: '30d', POLLHOOK_WATCH_MAX: '90 d' }, ['POLLHOOK_WATCH_MAX is "90 d"']],
    [
      { POLLHOOK_WATCH_DEFAULT: 'x', POLLHOOK_WATCH_MAX: '1h', POLLHOOK_POLL_INTERVAL: '1m' },
      ['POLLHOOK_WATCH_DEFAULT is "x"', 'POLLHOOK_POLL_INTERVAL_MAX is 30s, shorter than'],
    ],
  ])('of %j that cannot be read are compared with nothing', (env, beginnings) => {
    const faults = faultsOf(env as Record<string, string>)
    expect(faults.map((fault, i) => fault.startsWith(beginnings[i] ?? '!'))).toEqual(
      beginnings.map(() => true),
    )
  })

  it('that are wrong are all told at once, the missing ones too', () => {
    const faults = faultsOf({
      POLLHOOK_API_KEYS: undefined,
      POLLHOOK_SECRET: undefined,
      PORT: 'x',
      LOG_LEVEL: 'x',
      POLLHOOK_RETRY_SCHEDULE: 'a,b',
    })
    const names = faults.map((fault) => fault.split(' ')[0])
    expect(names.toSorted()).toEqual([
      'LOG_LEVEL',
      'POLLHOOK_API_KEYS',
      'POLLHOOK_RETRY_SCHEDULE',
      'POLLHOOK_RETRY_SCHEDULE',
      'POLLHOOK_SECRET',
      'PORT',
    ])
  })

  it('tell one fault once', () => {
    expect(faultsOf({ POLLHOOK_RETRY_SCHEDULE: '5s,,' })).toHaveLength(1)
  })

  it('of several lines or great length stay one short line in a fault', () => {
    for (const value of [`1\n2`, 'x'.repeat(10_000)]) {
      for (const name of ['PORT', 'POLLHOOK_PRIVATE_CALLBACKS', 'POLLHOOK_UPSTREAM_HOSTS']) {
        const [fault] = faultsOf({ [name]: `${value}/` })
        expect(fault).not.toContain('\n')
        expect(fault?.length).toBeLessThan(400)
      }
    }
  })
})

describe('variables that are not known', () => {
  it('are warned of, with the likeliest one', () => {
    const read = readConfig({ ...required, POLLHOOK_POLL_INTERVALL: '5s', POLLHOOK_COLOUR: 'red', PATH: '/' })
    expect(read.ok && read.warnings).toEqual([
      'POLLHOOK_POLL_INTERVALL is not a variable of Pollhook; did you mean POLLHOOK_POLL_INTERVAL?',
      'POLLHOOK_COLOUR is not a variable of Pollhook',
    ])
  })

  it.each([
    ['POLLHOOK_PORT', '; did you mean PORT?'],
    ['POLLHOOK_HOST', '; did you mean HOST?'],
    ['POLLHOOK_LOGLEVEL', '; did you mean LOG_LEVEL?'],
    ['POLLHOOK_LOG', ''],
    ['POLLHOOK_KEYS', ''],
  ])('%s is%s', (name, hint) => {
    expect(readConfig({ ...required, [name]: 'x' })).toMatchObject({
      warnings: [`${name} is not a variable of Pollhook${hint}`],
    })
  })

  it('are among the faults of a boot that fails: what is missing may be there under another name', () => {
    const { POLLHOOK_API_KEYS: keys, ...rest } = required
    const read = readConfig({ ...rest, POLLHOOK_APIKEYS: keys, POLLHOOK_COLOUR: 'red' })
    expect(!read.ok && read.faults).toMatchObject([
      expect.stringContaining('POLLHOOK_API_KEYS'),
      'POLLHOOK_APIKEYS is not a variable of Pollhook; did you mean POLLHOOK_API_KEYS?',
    ])
  })

  it('are not those of the command line, nor of a receiver', () => {
    const commandLine = { POLLHOOK_URL: 'http://127.0.0.1:8080', POLLHOOK_KEY: 'x' }
    const env = { ...required, ...commandLine, POLLHOOK_SIGNING_SECRET: 'whsec_x' }
    expect(readConfig(env)).toMatchObject({ ok: true, warnings: [] })
  })

  it('are not those that Kubernetes makes of a Service called pollhook', () => {
    const env = {
      ...required,
      POLLHOOK_SERVICE_HOST: '10.0.0.7',
      POLLHOOK_SERVICE_PORT_HTTP: '8080',
      POLLHOOK_PORT: 'tcp://10.0.0.7:8080',
      POLLHOOK_PORT_8080_TCP_ADDR: '10.0.0.7',
    }
    expect(readConfig(env)).toMatchObject({ ok: true, warnings: [] })
  })
})

it.each([
  ['500ms', 500],
  ['5s', 5_000],
  ['5m', 300_000],
  ['2h', 7_200_000],
  ['30d', 2_592_000_000],
  ['5', null],
  ['1.5s', null],
  ['5 s', null],
  ['5w', null],
  ['', null],
])('the duration "%s" is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})
