/** Changing, listing, ending and testing a subscription that is there. */
import { describe, expect, test, vi } from 'vitest'
import type { UpdateResult } from '../../src/commands.ts'
import type { SubscriptionPatch } from '../../src/store/records.ts'
import { subscriptionRecord, testApp, token } from './support.ts'

describe('PATCH /v1/subscriptions/{id}', () => {
  async function patched(body: object): Promise<SubscriptionPatch | undefined> {
    const updateSubscription = vi.fn(
      async (_owner: number, _id: string, _patch: SubscriptionPatch): Promise<UpdateResult> => ({
        kind: 'updated',
        subscription: subscriptionRecord,
      }),
    )
    await testApp({ commands: { updateSubscription } }).call('PATCH', '/v1/subscriptions/sub_1', body)
    return updateSubscription.mock.calls[0]?.[2]
  }

  test('passes only what was given', async () => {
    expect(await patched({})).toEqual({})
    expect(await patched({ secret: null, status_url: null })).toEqual({ secret: null })
    expect(await patched({ state: 'paused', expires_in: 5, percent_step: 2 })).toEqual({
      state: 'paused',
      expiresInMs: 5000,
      percentStep: 2,
    })
    expect(await patched({ callback_url: 'https://b.example' })).toEqual({
      callbackUrl: 'https://b.example/',
    })
    const options = {
      events: ['task.completed'],
      metadata: { job: '8' },
      secret: `whsec_${Buffer.alloc(24, 9).toString('base64')}`,
    }
    const statusUrl = 'https://master-1.qencode.com/v1/status'
    expect(await patched({ ...options, status_url: statusUrl })).toEqual({ ...options, statusUrl })
  })

  test('the task token cannot change, nor a state be invented', async () => {
    const { call } = testApp()
    expect((await call('PATCH', '/v1/subscriptions/sub_1', { task_token: token })).status).toBe(400)
    expect((await call('PATCH', '/v1/subscriptions/sub_1', { state: 'cancelled' })).status).toBe(400)
  })

  test.each([
    ['callback_url', 'http://a.example/', 'callback_not_allowed'],
    ['status_url', 'https://evil.example/v1/status', 'status_url_not_allowed'],
  ])('%s is held to the same policy', async (name, url, code) => {
    const response = await testApp().call('PATCH', '/v1/subscriptions/sub_1', { [name]: url })
    expect(await response.json()).toMatchObject({ status: 400, code })
  })

  test.each<[UpdateResult, number, object]>([
    [{ kind: 'not_found' }, 404, { code: 'not_found' }],
    [{ kind: 'conflict', state: 'completed' }, 409, { code: 'conflict' }],
    [{ kind: 'subscription_exists', id: 'sub_9' }, 409, { code: 'subscription_exists', id: 'sub_9' }],
  ])('%j answers %i', async (result, status, body) => {
    const { call } = testApp({ commands: { updateSubscription: async () => result } })
    const response = await call('PATCH', '/v1/subscriptions/sub_1', {})
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject(body)
  })
})

describe('the other subscription calls', () => {
  test('a list passes its filters on and answers next_cursor', async () => {
    const listSubscriptions = vi.fn(() => ({ data: [subscriptionRecord], nextCursor: 'c1', positions: [] }))
    const { call } = testApp({ queries: { listSubscriptions } })
    const url = encodeURIComponent('https://APP.example.com/x')
    const response = await call(
      'GET',
      `/v1/subscriptions?limit=7&cursor=c9&state=paused&task_token=${token}&callback_url=${url}`,
    )
    expect(await response.json()).toMatchObject({ data: [{ id: 'sub_1' }], next_cursor: 'c1' })
    expect(listSubscriptions).toHaveBeenCalledWith(1, {
      limit: 7,
      cursor: 'c9',
      state: 'paused',
      taskToken: token,
      callbackUrl: 'https://app.example.com/x',
    })
    await call('GET', '/v1/subscriptions')
    expect(listSubscriptions).toHaveBeenLastCalledWith(1, { limit: 50, cursor: null })
  })

  test.each(['limit=0', 'limit=201', 'limit=1.5', 'limit=x', 'limit=', 'state=gone', 'cursor=a&cursor=b'])(
    'a list refuses ?%s',
    async (query) => {
      const response = await testApp().call('GET', `/v1/subscriptions?${query}`)
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({ code: 'invalid_request', errors: [{}] })
    },
  )

  test('DELETE answers 204, or 404 for what is not there', async () => {
    const { call } = testApp()
    expect((await call('DELETE', '/v1/subscriptions/sub_1')).status).toBe(204)
    expect((await call('DELETE', '/v1/subscriptions/sub_2')).status).toBe(404)
  })

  test.each(['sub_', 'dlv_1', '1', 'sub_%00', `sub_${'x'.repeat(99)}`, '%ff'])(
    'the id %s is 404 without asking the store',
    async (id) => {
      const subscription = vi.fn(() => null)
      const response = await testApp({ queries: { subscription } }).call('GET', `/v1/subscriptions/${id}`)
      expect(response.status).toBe(404)
      expect(subscription).not.toHaveBeenCalled()
    },
  )

  test('a test event is queued with 202, and refused for what has ended', async () => {
    expect((await testApp().call('POST', '/v1/subscriptions/sub_1/test')).status).toBe(202)
    const conflict = async () => ({ kind: 'conflict' as const, detail: 'It was cancelled.' })
    const response = await testApp({ commands: { sendTest: conflict } }).call(
      'POST',
      '/v1/subscriptions/sub_1/test',
    )
    expect(await response.json()).toMatchObject({ code: 'conflict', detail: 'It was cancelled.' })
    const missing = async () => ({ kind: 'not_found' as const })
    const none = await testApp({ commands: { sendTest: missing } }).call(
      'POST',
      '/v1/subscriptions/sub_1/test',
    )
    expect(none.status).toBe(404)
  })
})
