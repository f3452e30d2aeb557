import { describe, expect, test, vi } from 'vitest'
import type { SubscribeResult } from '../../src/commands.ts'
import { batchBytesMax, bodyBytesMax } from '../../src/http/body.ts'
import type { SubscriptionInput } from '../../src/store/records.ts'
import { recordOf, subscriptionRecord, testApp, token } from './support.ts'

const valid = { task_token: token, callback_url: 'https://app.example.com/hooks' }

describe('POST /v1/subscriptions/batch', () => {
  test('each item stands alone, and the valid ones are stored by one call, in order', async () => {
    const results: SubscribeResult[] = [
      { kind: 'created', subscription: { ...subscriptionRecord, id: 'sub_a' } },
      { kind: 'existing', subscription: { ...subscriptionRecord, id: 'sub_b' } },
      { kind: 'subscription_exists', id: 'sub_c' },
      { kind: 'quota_exceeded', quota: 2 },
    ]
    const subscribe = vi.fn(async (_inputs: readonly SubscriptionInput[]) => results)
    const response = await testApp({ commands: { subscribe } }).call('POST', '/v1/subscriptions/batch', {
      subscriptions: [
        valid,
        { ...valid, nope: 1 },
        { ...valid, percent_step: 5 },
        { ...valid, callback_url: 'https://10.0.0.1/' },
        null,
        { ...valid, percent_step: 6 },
        { ...valid, status_url: 'https://evil.example/v1/status' },
        { ...valid, percent_step: 7 },
      ],
    })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({
      results: [
        { status: 201, subscription: { id: 'sub_a' } },
        {
          status: 400,
          problem: { code: 'invalid_request', request_id: 'req_1', errors: [{ path: 'nope' }] },
        },
        { status: 200, subscription: { id: 'sub_b' } },
        { status: 400, problem: { code: 'callback_not_allowed' } },
        { status: 400, problem: { code: 'invalid_request' } },
        { status: 409, problem: { code: 'subscription_exists', id: 'sub_c' } },
        { status: 400, problem: { code: 'status_url_not_allowed' } },
        { status: 429, problem: { code: 'quota_exceeded' } },
      ],
    })
    expect(subscribe).toHaveBeenCalledTimes(1)
    expect(subscribe.mock.calls[0]?.[0].map(({ percentStep }) => percentStep)).toEqual([1, 5, 6, 7])
  })

  test.each(['__proto__', 'constructor', 'prototype', '\\u0063onstructor'])(
    'an item with the reserved name %s is refused alone, and the name told',
    async (name) => {
      const named = JSON.stringify({ ...valid, metadata: { a: '1', NAME: 'x' } }).replace('NAME', name)
      const body = `{"subscriptions":[${JSON.stringify(valid)},${named},${JSON.stringify(valid)}]}`
      const response = await testApp().call('POST', '/v1/subscriptions/batch', body)
      expect(response.status).toBe(200)
      const path = `metadata.${JSON.parse(`"${name}"`)}`
      expect(await response.json()).toMatchObject({
        results: [
          { status: 201 },
          { status: 400, problem: { code: 'invalid_request', errors: [{ path }] } },
          { status: 201 },
        ],
      })
    },
  )

  test('1,000 items are taken, 1,001 are refused as a whole', async () => {
    const { call } = testApp()
    const of = (count: number) => ({ subscriptions: Array.from({ length: count }, () => valid) })
    const response = await call('POST', '/v1/subscriptions/batch', of(1000))
    expect(((await response.json()) as { results: unknown[] }).results).toHaveLength(1000)
    expect((await call('POST', '/v1/subscriptions/batch', of(1001))).status).toBe(400)
  })

  test('the body may have 1 MiB instead of 64 KiB, and no more', async () => {
    const { call } = testApp()
    const body = JSON.stringify({ subscriptions: [valid] })
    const large = await call('POST', '/v1/subscriptions/batch', body.padEnd(bodyBytesMax + 1))
    expect(large.status).toBe(200)
    expect((await call('POST', '/v1/subscriptions/batch', body.padEnd(batchBytesMax))).status).toBe(200)
    expect((await call('POST', '/v1/subscriptions/batch', body.padEnd(batchBytesMax + 1))).status).toBe(413)
  })

  test.each([{}, { subscriptions: {} }, { subscriptions: [], more: 1 }])('%j is refused', async (body) => {
    const response = await testApp().call('POST', '/v1/subscriptions/batch', body)
    expect(await response.json()).toMatchObject({ status: 400, code: 'invalid_request' })
  })

  test('when nothing is valid, nothing is stored', async () => {
    const subscribe = vi.fn(async (inputs: readonly SubscriptionInput[]) =>
      inputs.map((input) => ({ kind: 'created' as const, subscription: recordOf(input) })),
    )
    const { call } = testApp({ commands: { subscribe } })
    await call('POST', '/v1/subscriptions/batch', { subscriptions: [{}] })
    expect(subscribe).not.toHaveBeenCalled()
  })
})
