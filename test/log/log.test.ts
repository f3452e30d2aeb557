import { beforeEach, describe, expect, it } from 'vitest'
import type { LogLevel } from '../../src/config.ts'
import { createLog, shortToken } from '../../src/log.ts'
import type { Log } from '../../src/ports.ts'

const token = '471272a512d76c22665db9dcee893409'
const signingSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const signingKey = `whsk_${'A1+/'.repeat(21)}==`

let lines: string[]
let log: Log

function logAt(level: LogLevel): Log {
  lines = []
  return createLog(level, (line) => lines.push(line))
}

const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}')

beforeEach(() => {
  log = logAt('debug')
})

describe('a line', () => {
  it('is one JSON object with time, level, message and fields', () => {
    log.info('poll done', { host: 'https://master-1.qencode.com', tokens: 3, changed: true })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^\{"time":.*\}\n$/)
    expect(last()).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      level: 'info',
      message: 'poll done',
      host: 'https://master-1.qencode.com',
      tokens: 3,
      changed: true,
    })
  })

  it('names the four levels as LOG_LEVEL does', () => {
    log.debug('a')
    log.info('b')
    log.warn('c')
    log.error('d')
    expect(lines.map((line) => JSON.parse(line).level)).toEqual(['debug', 'info', 'warn', 'error'])
  })

  it('is not written below the level', () => {
    log = logAt('warn')
    log.debug('a')
    log.info('b')
    log.warn('c')
    log.error('d')
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(['c', 'd'])
  })

  it('stays one line whatever the message holds', () => {
    log.info('two\nlines {tokens}', { tokens: 1 })
    expect(lines[0]?.trimEnd()).not.toContain('\n')
    expect(last().message).toBe('two\nlines {tokens}')
  })

  it('keeps time, level and message when a field has their name', () => {
    log.info('real', { message: 'field', level: 'error', time: 'never' })
    expect(last()).toMatchObject({ message: 'real', level: 'info', time: expect.stringMatching(/^20/) })
  })

  it.each([
    ['a long message', 'x'.repeat(1_000_000), {}],
    ['a long field', 'x', { body: '"'.repeat(1_000_000) }],
    [
      'many fields',
      'x',
      Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field${i}`, 'y'.repeat(99)])),
    ],
    [
      'long field names',
      'x',
      Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}`.repeat(900), 'y'])),
    ],
    ['a message of quotes', '"\n'.repeat(10_000), {}],
  ])('has a limit: %s is cut and still JSON', (_what, message, fields) => {
    log.info(message, fields)
    expect(lines[0]?.length).toBeLessThanOrEqual(8_001)
    expect(last().level).toBe('info')
  })

  it('shows errors with name, message, stack and cause', () => {
    log.error('failed', { error: new TypeError('outer', { cause: new Error('inner') }) })
    expect(last().error).toMatchObject({
      name: 'TypeError',
      message: 'outer',
      stack: expect.stringContaining('TypeError: outer'),
      cause: { name: 'Error', message: 'inner' },
    })
  })

  it('shows dates, URLs, bytes and big numbers as text', () => {
    const fields = {
      at: new Date(0),
      bad: new Date(Number.NaN),
      url: new URL('https://a.example/x'),
      bytes: new Uint8Array(32),
      count: 10n,
    }
    log.info('x', fields)
    expect(last()).toMatchObject({
      at: '1970-01-01T00:00:00.000Z',
      bad: 'invalid date',
      url: 'https://a.example/x',
      bytes: '[32 bytes]',
      count: '10',
    })
  })

  it('survives fields that contain themselves', () => {
    const loop: Record<string, unknown> = { name: 'loop' }
    loop.self = loop
    const error = new Error('its own cause')
    error.cause = error
    log.info('x', { loop, error })
    expect(last()).toMatchObject({ loop: { name: 'loop' }, error: { message: 'its own cause' } })
  })
})

describe('secrets', () => {
  it('a token is shown by its first six characters', () => {
    expect(shortToken(token)).toBe('471272…')
  })

  const places: readonly (readonly [string, (text: string) => void])[] = [
    ['the message', (text) => log.info(`about ${text}, again ${text}`)],
    ['a field', (text) => log.info('x', { field: text })],
    ['a nested field', (text) => log.info('x', { a: { b: [{ c: `?t=${text}&u=1` }] } })],
    ['a field name', (text) => log.info('x', { [text]: 1 })],
    ['text around it', (text) => log.info('x', { field: `task_${text}_end` })],
    ['an error', (text) => log.info('x', { error: new Error(`no ${text}`) })],
    ['a cause', (text) => log.info('x', { error: new Error('x', { cause: new Error(text) }) })],
    ['a URL', (text) => log.info('x', { url: new URL(`https://a.example/${text}`) })],
    ['JSON in a string', (text) => log.info('x', { body: JSON.stringify({ token: text }) })],
    ['a value that is cut', (text) => log.info('x', { body: `${'x'.repeat(2_980)} ${text}` })],
    [
      'fields that do not fit',
      (text) => log.info('x', { [text]: ['y'.repeat(3_000), 'y'.repeat(3_000), 'y'.repeat(3_000)] }),
    ],
  ]
  const secrets = {
    'task token': token,
    'task token in capitals': token.toUpperCase(),
    'signing secret': signingSecret,
    'signing key': signingKey,
    'API key': `phk_${'aB3-_'.repeat(8)}xyz`,
    'ticket of a session': `pht_acme.1795000000000.${'0f'.repeat(32)}`,
  }

  describe.each(Object.entries(secrets))('a whole %s never leaves', (_what, secret) => {
    it.each(places)('in %s', (_place, write) => {
      write(secret)
      expect(lines).toHaveLength(1)
      expect(lines[0]).not.toContain(secret.slice(-24))
      expect(lines[0]).not.toContain(secret.slice(0, 14))
    })
  })

  it('a bearer key is cut in any string', () => {
    log.info('x', { header: 'Authorization: Bearer abcdefghijklmnopqrstuvwx' })
    expect(last().header).toBe('Authorization: Bearer …')
  })

  it('a field that is named like a secret shows nothing', () => {
    log.info('x', { authorization: 'Basic dXNlcjpwYXNz', headers: { Cookie: 'session=abc' }, apiKey: 'abc' })
    expect(last()).toMatchObject({ authorization: '…', headers: { Cookie: '…' }, apiKey: '…' })
  })

  it('ids and digests stay whole', () => {
    const fields = { id: 'sub_01000000000001abcdef', digest: 'ab'.repeat(32), commit: 'ab'.repeat(20) }
    log.info('x', fields)
    expect(last()).toMatchObject(fields)
  })
})
