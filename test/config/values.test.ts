/** Every other variable: how it is read, and the faults of what cannot be. */
import { describe, expect, it } from 'vitest'
import { configOf, faultsOf } from './env.ts'

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
