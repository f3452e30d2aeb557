import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  errorNumber,
  isUnknownTokenEntry,
  parseStatusEntry,
  readingOf,
  repeats,
  statusRank,
} from '../../src/core/snapshot.ts'

/** As it comes off the wire, so that `__proto__` is an own key. */
function entry(json: string): Record<string, unknown> {
  return JSON.parse(json)
}

describe('the status of an entry', () => {
  it.each([
    ['encoding', 'encoding'],
    ['Encoding', 'encoding'],
    [' QUEUED ', 'queued'],
    ['saving', 'saving'],
    ['downloading', 'downloading'],
    ['created', 'created'],
    ['pre_check2', 'pre_check2'],
    // `pollhook.test` is no type after `task.`.
    ['test', 'test'],
    ['a'.repeat(32), 'a'.repeat(32)],
  ])('%j is %s', (status, expected) => {
    expect(parseStatusEntry({ status })).toMatchObject({ status: expected, end: null, error: null })
  })

  it.each([
    'progress',
    'lost',
    'Expired',
    'stalled',
    'resumed',
    'unknown',
    'a'.repeat(33),
    '2pass',
    'in-line',
    'ça',
    '',
    '__proto__',
  ])('%j is unknown, as it is no word that Pollhook can pass on', (status) => {
    expect(parseStatusEntry({ status })).toMatchObject({ status: 'unknown', end: null })
  })

  it.each(['constructor', 'tostring', 'valueof'])('%j is a word like any other', (status) => {
    expect(parseStatusEntry({ status })).toMatchObject({ status, end: null })
    expect(statusRank(status)).toBeNull()
  })

  it.each([undefined, null, 'None', ' none', 7, true, {}, ['encoding']])('%j is missing', (status) => {
    expect(parseStatusEntry({ status })).toMatchObject({ status: null, end: null, error: null })
  })

  it.each([
    ['completed', 'completed'],
    ['Saved', 'completed'],
    ['error', 'failed'],
    ['FAILED', 'failed'],
    ['canceled', 'cancelled'],
    ['cancelled', 'cancelled'],
  ])('%s is the end %s', (status, end) => {
    expect(parseStatusEntry({ status, error: 0 })).toMatchObject({ status: end, end })
  })
})

describe('the error of an entry', () => {
  it('fails the task beside any status, with the number and the words of upstream', () => {
    const raw = { status: 'encoding', percent: 40, error: 3, error_description: 'no video stream' }
    expect(parseStatusEntry(raw)).toEqual({
      status: 'failed',
      percent: 40,
      end: 'failed',
      error: { code: 3, description: 'no video stream' },
      statusUrl: null,
      raw,
    })
  })

  it.each(['completed', 'saved', 'canceled', null])('turns %j into a failure', (status) => {
    expect(parseStatusEntry({ status, error: 1 }).end).toBe('failed')
  })

  it.each([
    [true, 1],
    ['1', 1],
    ['0012', 12],
    [-4, -4],
    [1.5, 1.5],
    [Number.POSITIVE_INFINITY, 1],
    ['1e999', 1],
  ])('%j counts as %d', (error, code) => {
    expect(parseStatusEntry({ error }).error?.code).toBe(code)
  })

  it.each([0, -0, '0', '0.0', '', 'None', 'null', false, null, undefined, {}, [1], Number.NaN])(
    '%j is no error',
    (error) => {
      expect(errorNumber(error)).toBeNull()
      expect(parseStatusEntry({ status: 'encoding', error })).toMatchObject({
        status: 'encoding',
        error: null,
      })
    },
  )

  it('is 1 when upstream only says failed', () => {
    expect(parseStatusEntry({ status: 'failed', error: 0 }).error).toEqual({ code: 1, description: null })
  })

  it('is absent on the other ends, whatever the description says', () => {
    expect(parseStatusEntry({ status: 'completed', error_description: 'fine' }).error).toBeNull()
  })

  it.each([null, 'None', 4, {}, undefined])('has no description when that is %j', (error_description) => {
    expect(parseStatusEntry({ error: 1, error_description }).error).toEqual({ code: 1, description: null })
  })

  it('cuts a very long description without leaving half a character', () => {
    const description = parseStatusEntry({ error: 1, error_description: `x${'😀'.repeat(4000)}` }).error
      ?.description
    expect(description?.length).toBe(4096)
    expect(description?.isWellFormed()).toBe(true)
  })
})

describe('the percent of an entry', () => {
  it.each([
    [0, 0],
    [100, 100],
    [8.37, 8.37],
    ['8.3743842364532011', 8.3743842364532011],
    ['100.0', 100],
    [' 42 ', 42],
    ['1e1', 10],
    ['.5', 0.5],
  ])('%j is %d', (percent, expected) => {
    expect(parseStatusEntry({ percent }).percent).toBe(expected)
  })

  it.each([
    null,
    undefined,
    'None',
    '',
    ' ',
    'NaN',
    'Infinity',
    '0x10',
    '12%',
    '1,5',
    true,
    [5],
    {},
    '1e999',
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ])('%j is missing', (percent) => {
    expect(parseStatusEntry({ percent }).percent).toBeNull()
  })

  // Read by its square, such a text would keep the relay for a minute, and this test past its limit.
  it('is missing also where very many digits are no number, which are read once', () => {
    expect(parseStatusEntry({ percent: `${'1'.repeat(100_000)}x` }).percent).toBeNull()
  })
})

describe('an entry as a whole', () => {
  it('keeps a status_url that is a string', () => {
    const status_url = 'https://master-1.qencode.com/v1/status'
    expect(parseStatusEntry({ status_url }).statusUrl).toBe(status_url)
    expect(parseStatusEntry({ status_url: 'None' }).statusUrl).toBeNull()
    expect(parseStatusEntry({ status_url: { href: status_url } }).statusUrl).toBeNull()
  })

  it('reads nothing that it inherits', () => {
    const raw: Record<string, unknown> = Object.create({ status: 'completed', percent: 5, error: 1 })
    expect(parseStatusEntry(raw)).toMatchObject({ status: null, percent: null, end: null, error: null })
    expect(parseStatusEntry(entry('{"__proto__":{"status":"completed"}}'))).toMatchObject({ status: null })
  })

  it.each(['{"error":5}', '{"error":13,"status":null}', '{"error":"5","status":"None"}'])(
    '%s says that the token is not known',
    (json) => {
      expect(isUnknownTokenEntry(entry(json))).toBe(true)
    },
  )

  it.each([
    '{"error":5,"status":"error"}',
    '{"error":1}',
    '{"error":0}',
    '{}',
    '{"error":13,"status":"encoding"}',
  ])('%s does not say that the token is not known', (json) => {
    expect(isUnknownTokenEntry(entry(json))).toBe(false)
  })

  it('gives a sound observation of any JSON object', () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('completed', 'None', 'encoding', '5', '1e400', 'failed', true, 5, 13),
    )
    const keys = ['status', 'percent', 'error', 'error_description', 'status_url', '__proto__', 'toString']
    const raws = fc.dictionary(fc.constantFrom(...keys), value, { noNullPrototype: true })
    fc.assert(
      fc.property(raws, (raw) => {
        const seen = parseStatusEntry(raw)
        expect(seen.raw).toBe(raw)
        if (seen.status !== null) expect(seen.status).toMatch(/^[a-z][a-z0-9_]{0,31}$/)
        if (seen.percent !== null) expect(seen.percent).toSatisfy(Number.isFinite)
        expect(seen.error !== null).toBe(seen.end === 'failed')
        if (seen.end !== null) expect(seen.status).toBe(seen.end)
        if (seen.error !== null) expect(seen.error.code).not.toBe(0)
        expect(typeof isUnknownTokenEntry(raw)).toBe('boolean')
      }),
    )
  })
})

describe('the rank of a status', () => {
  it('follows the life of a task', () => {
    const ranks = (...words: string[]) => words.map(statusRank)
    expect(ranks('downloading', 'created', 'new', 'started')).toEqual([0, 0, 0, 0])
    expect(ranks('queued', 'encoding', 'processing', 'saving')).toEqual([1, 2, 2, 3])
  })

  it('is not given to ends, unknown words and a missing status', () => {
    expect(['completed', 'failed', 'unknown', 'packaging', null].map(statusRank)).toEqual(Array(5).fill(null))
  })
})

describe('a status that repeats the reading of another', () => {
  const value = fc.oneof(
    fc.constantFrom(0, 1, '1', true, 'None', null, 'encoding', 'error', 8.5),
    fc.jsonValue(),
  )
  const raw = fc
    .record(
      { status: value, percent: value, error: value, status_url: value, videos: value },
      { requiredKeys: [] },
    )
    .map((of) => entry(JSON.stringify(of)))

  it('is observed as that was, but for what an end says of itself', () => {
    fc.assert(
      fc.property(raw, raw, (before, now) => {
        const reading = readingOf(before)
        expect(repeats(before, reading)).toBe(reading !== null)
        if (!repeats(now, reading)) return
        const { raw: _then, error: _was, ...first } = parseStatusEntry(before)
        const { raw: _now, error: _is, ...second } = parseStatusEntry(now)
        expect(second).toEqual(first)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each(['status', 'percent', 'error', 'status_url'])('is not one with another %s', (key) => {
    const before = { status: 'encoding', percent: 8, error: 0, status_url: 'https://a.example.com/v1/status' }
    expect(repeats({ ...before, videos: [] }, readingOf(before))).toBe(true)
    expect(repeats({ ...before, [key]: '0' }, readingOf(before))).toBe(false)
    const { [key as keyof typeof before]: _, ...without } = before
    expect(repeats(without, readingOf(before))).toBe(false)
  })

  it('keeps no more of a status than a few short values', () => {
    expect(readingOf({ status: 'encoding', percent: null, videos: ['long'] })).toEqual({
      status: 'encoding',
      percent: null,
      error: undefined,
      statusUrl: undefined,
    })
    expect(readingOf({ status: 'x'.repeat(201) })).toBeNull()
    expect(readingOf({ percent: {} })).toBeNull()
    expect(repeats({}, null)).toBe(false)
  })
})
