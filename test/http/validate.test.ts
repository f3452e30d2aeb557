import type * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { invalid } from '../../src/http/validate.ts'
import { testApp, token } from './support.ts'

const minimal = { task_token: token, callback_url: 'https://app.example.com/hooks' }

function issueAt(key: number): v.BaseIssue<unknown> {
  const path = [{ type: 'array', origin: 'value', input: [], key, value: '' }] as const
  return {
    kind: 'validation',
    type: 'regex',
    input: '',
    expected: null,
    received: '""',
    message: 'is bad',
    path: [...path],
  }
}

describe('the problem of a request with very many faults', () => {
  test('tells of the first 20 places, and looks at no more', () => {
    let looks = 0
    function* issues() {
      for (let at = 0; at < 20_000; at++) {
        looks++
        yield issueAt(at)
      }
    }
    const { detail, errors } = invalid(issues())
    expect(errors).toHaveLength(20)
    expect(errors?.at(-1)).toEqual({ path: '19', message: 'is bad' })
    expect(detail).toBe('0 is bad (and 19 more).')
    expect(looks).toBe(20)
  })

  test('tells the first fault of each place', () => {
    const issues = [issueAt(1), { ...issueAt(1), message: 'is worse' }, issueAt(0)]
    expect(invalid(issues).errors).toEqual([
      { path: '1', message: 'is bad' },
      { path: '0', message: 'is bad' },
    ])
  })

  test.each([
    ['events', { events: Array.from({ length: 20_000 }, () => '') }, /at most 20 patterns/],
    [
      'metadata',
      { metadata: Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`n${n}`, 0])) },
      /at most 16/,
    ],
    ['callback_url', { callback_url: 'x'.repeat(60_000) }, /at most 2048 characters/],
  ])('%s that are too many, and all of them wrong, are one fault', async (path, change, message) => {
    const response = await testApp().call('POST', '/v1/subscriptions', { ...minimal, ...change })
    expect(response.status).toBe(400)
    const { errors } = (await response.json()) as { errors: object[] }
    expect(errors).toEqual([{ path, message: expect.stringMatching(message) }])
  })

  test('so it is in a batch, whose other items stand', async () => {
    const bad = { ...minimal, events: Array.from({ length: 300_000 }, () => '') }
    const response = await testApp().call('POST', '/v1/subscriptions/batch', {
      subscriptions: [bad, minimal],
    })
    const { results } = (await response.json()) as { results: { problem?: { errors: object[] } }[] }
    expect(results).toMatchObject([{ status: 400 }, { status: 201 }])
    expect(results[0]?.problem?.errors).toEqual([{ path: 'events', message: expect.any(String) }])
  })

  test('a host that is too long is refused before it is parsed', async () => {
    const letters = Array.from({ length: 600 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('')
    const body = { ...minimal, callback_url: `https://${letters}/` }
    const response = await testApp().call('POST', '/v1/subscriptions', body)
    expect(await response.json()).toMatchObject({
      code: 'callback_not_allowed',
      errors: [{ path: 'callback_url', message: 'must name a host of at most 253 characters' }],
    })
  })
})
