import { describe, expect, test, vi } from 'vitest'
import { at, deliveryRecord, emptyPage, endpointRecord, key, testApp, token } from './support.ts'

const time = '2026-11-23T10:00:00.000Z'

describe('/v1/deliveries', () => {
  test('a list passes its filters on and leaves payload and attempts out', async () => {
    const listDeliveries = vi.fn(() => ({ data: [deliveryRecord], nextCursor: null, positions: [] }))
    const { call } = testApp({ queries: { listDeliveries } })
    const response = await call(
      'GET',
      '/v1/deliveries?subscription_id=sub_1&state=pending&type=task.completed',
    )
    expect(await response.json()).toEqual({
      data: [
        {
          id: 'dlv_1',
          webhook_id: 'msg_1_7',
          subscription_id: 'sub_1',
          task_token: token,
          type: 'task.completed',
          seq: 7,
          state: 'exhausted',
          state_reason: 'attempts_exhausted',
          attempts: 1,
          next_attempt_at: null,
          created_at: time,
          finished_at: '2026-11-23T10:00:00.005Z',
        },
      ],
      next_cursor: null,
    })
    expect(listDeliveries).toHaveBeenCalledWith(1, {
      limit: 50,
      cursor: null,
      subscriptionId: 'sub_1',
      state: 'pending',
      type: 'task.completed',
    })
  })

  test('one alone has the payload as an object and the attempts', async () => {
    const { call } = testApp()
    expect(await (await call('GET', '/v1/deliveries/dlv_1')).json()).toMatchObject({
      callback_url: 'https://app.example.com/hooks',
      payload: { type: 'task.completed' },
      attempt_log: [
        {
          attempt: 1,
          at: time,
          url: 'https://app.example.com/hooks',
          outcome: 'rejected',
          status_code: 500,
          error_code: null,
          duration_ms: 12,
          response_body: 'no',
        },
      ],
    })
    expect((await call('GET', '/v1/deliveries/dlv_2')).status).toBe(404)
    expect((await call('GET', '/v1/deliveries/sub_1')).status).toBe(404)
  })

  test('redelivery is queued with 202, and refused with 409 or 404', async () => {
    const redeliver = vi
      .fn()
      .mockResolvedValueOnce({ kind: 'queued', delivery: deliveryRecord })
      .mockResolvedValueOnce({ kind: 'conflict', detail: 'cancelled' })
      .mockResolvedValueOnce({ kind: 'not_found' })
    const { call } = testApp({ commands: { redeliver } })
    const statuses = []
    for (let n = 0; n < 3; n++) statuses.push((await call('POST', '/v1/deliveries/dlv_1/redeliver')).status)
    expect(statuses).toEqual([202, 409, 404])
  })

  test('bulk redelivery reads times and ids, and counts', async () => {
    const redeliverMany = vi.fn(async () => ({ count: 2 }))
    const { call } = testApp({ commands: { redeliverMany } })
    const response = await call('POST', '/v1/deliveries/redeliver', {
      state: 'exhausted',
      since: '2026-11-23T12:00:00+02:00',
      until: '2026-11-23T10:00:01Z',
      subscription_id: 'sub_1',
      endpoint: 'ep_1',
      dry_run: true,
    })
    expect(response.status).toBe(202)
    expect(await response.json()).toEqual({ count: 2 })
    expect(redeliverMany).toHaveBeenCalledWith(1, {
      since: at,
      until: at + 1000,
      subscriptionId: 'sub_1',
      endpointId: 'ep_1',
      dryRun: true,
    })
    await call('POST', '/v1/deliveries/redeliver', { state: 'exhausted', until: time })
    expect(redeliverMany).toHaveBeenLastCalledWith(1, { until: at, dryRun: false })
    await call('POST', '/v1/deliveries/redeliver', { state: 'exhausted', since: time, until: time })
    expect(redeliverMany).toHaveBeenLastCalledWith(1, { since: at, until: at, dryRun: false })
  })

  test.each<[object, string]>([
    [{}, 'state'],
    [{ state: 'delivered' }, 'state'],
    [{ state: 'exhausted', since: 'yesterday' }, 'since'],
    [{ state: 'exhausted', since: 'Monday, 23 November 2026' }, 'since'],
    [{ state: 'exhausted', until: '2026-11-23' }, 'until'],
    [{ state: 'exhausted', since: '2026-11-24T00:00:00Z', until: '2026-11-23T00:00:00Z' }, 'since'],
    [{ state: 'exhausted', dry_run: 'yes' }, 'dry_run'],
  ])('bulk redelivery refuses %j', async (body, path) => {
    const response = await testApp().call('POST', '/v1/deliveries/redeliver', body)
    expect(await response.json()).toMatchObject({ code: 'invalid_request', errors: [{ path }] })
  })
})

test.each(['2026-02-31T00:00:00Z', '2026-02-29T00:00:00Z', '2026-11-31T10:00:00+01:00'])(
  'bulk redelivery refuses %s, a day that no calendar has',
  async (since) => {
    const { call } = testApp()
    const of = (body: object) => call('POST', '/v1/deliveries/redeliver', { state: 'exhausted', ...body })
    for (const name of ['since', 'until']) {
      const response = await of({ [name]: since })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({
        errors: [{ path: name, message: 'must be a time that exists' }],
      })
    }
    expect((await of({ since: '2028-02-29T23:59:59.999-12:00' })).status).toBe(202)
  },
)

describe('/v1/endpoints', () => {
  test('the list shows health, backlog and settings', async () => {
    const listEndpoints = vi.fn(() => ({ data: [endpointRecord], nextCursor: null, positions: [] }))
    const response = await testApp({ queries: { listEndpoints } }).call('GET', '/v1/endpoints?limit=1')
    expect(await response.json()).toEqual({
      data: [
        {
          id: 'ep_1',
          origin: 'https://app.example.com',
          state: 'failing',
          failing_since: '2026-11-23T09:59:59.998Z',
          last_success_at: '2026-11-23T09:59:59.997Z',
          backlog: 3,
          oldest_waiting_at: '2026-11-23T09:59:59.999Z',
          retry_after_until: '2026-11-23T10:00:00.001Z',
          paused: false,
          max_concurrency: 2,
          max_per_second: 5,
        },
      ],
      next_cursor: null,
    })
    expect(listEndpoints).toHaveBeenCalledWith(1, { limit: 1, cursor: null }, at)
  })

  test('PATCH passes only what was given', async () => {
    const updateEndpoint = vi.fn(async () => endpointRecord)
    const { call } = testApp({ commands: { updateEndpoint } })
    await call('PATCH', '/v1/endpoints/ep_1', { paused: true, max_per_second: null })
    expect(updateEndpoint).toHaveBeenCalledWith(1, 'ep_1', { paused: true, maxPerSecond: null })
    await call('PATCH', '/v1/endpoints/ep_1', { max_concurrency: 4 })
    expect(updateEndpoint).toHaveBeenLastCalledWith(1, 'ep_1', { maxConcurrency: 4 })
    await call('PATCH', '/v1/endpoints/ep_1', { paused: false })
    expect(updateEndpoint).toHaveBeenLastCalledWith(1, 'ep_1', { paused: false })
  })

  test.each([
    { max_concurrency: 0 },
    { max_concurrency: 10_001 },
    { max_concurrency: 1.5 },
    { max_per_second: 0 },
    { origin: 'x' },
  ])('PATCH refuses %j', async (body) => {
    expect((await testApp().call('PATCH', '/v1/endpoints/ep_1', body)).status).toBe(400)
  })

  test('an endpoint of nobody, or of another, is 404', async () => {
    expect((await testApp().call('PATCH', '/v1/endpoints/ep_2', {})).status).toBe(404)
  })
})

describe('/v1/signing-secret', () => {
  test('shows the secrets, newest first', async () => {
    const response = await testApp().call('GET', '/v1/signing-secret')
    expect(await response.json()).toEqual({ secrets: [{ secret: 'whsec_new', expires_at: null }] })
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('rotates with the overlap that was asked for, a day without one, also without a body', async () => {
    const rotateSigningSecret = vi.fn(async () => [{ secret: 'whsec_new', expiresAt: null }])
    const { call } = testApp({ commands: { rotateSigningSecret } })
    await call('POST', '/v1/signing-secret/rotate', { overlap: 0 })
    await call('POST', '/v1/signing-secret/rotate', {})
    await call('POST', '/v1/signing-secret/rotate', '')
    expect((await call('POST', '/v1/signing-secret/rotate')).status).toBe(200)
    expect(rotateSigningSecret.mock.calls).toEqual([
      [1, 0],
      [1, 86_400_000],
      [1, 86_400_000],
      [1, 86_400_000],
    ])
  })

  test('no overlap is overlooked: a body that does not say what it is is refused', async () => {
    const response = await testApp().app.request('/v1/signing-secret/rotate', {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: new TextEncoder().encode('{"overlap":0}'),
    })
    expect(response.status).toBe(415)
  })

  test.each([{ overlap: -1 }, { overlap: 604_801 }, { overlap: 0.5 }, { overlap: '1' }, { seconds: 1 }])(
    'refuses %j',
    async (body) => {
      expect((await testApp().call('POST', '/v1/signing-secret/rotate', body)).status).toBe(400)
    },
  )
})

describe('/v1/tasks', () => {
  test('the list shows tasks without their transitions', async () => {
    const { data } = (await (await testApp().call('GET', '/v1/tasks')).json()) as { data: object[] }
    expect(data).toEqual([
      {
        task_token: token,
        status: 'completed',
        percent: 42,
        seq: 7,
        changed_at: '2026-11-23T09:59:59.998Z',
        polled_at: time,
        ended_at: '2026-11-23T09:59:59.999Z',
      },
    ])
  })

  test('one alone has its result as an object and its transitions', async () => {
    const response = await testApp().call('GET', `/v1/tasks/${token}`)
    expect(await response.json()).toMatchObject({
      error: null,
      result: { videos: [] },
      transitions: [{ seq: 7, type: 'task.completed', status: 'completed', percent: 42, at: time }],
    })
  })

  test('a token that is unknown or malformed is 404', async () => {
    const { call } = testApp({ queries: { listTasks: () => emptyPage } })
    expect((await call('GET', `/v1/tasks/${'0'.repeat(32)}`)).status).toBe(404)
    expect((await call('GET', '/v1/tasks/zzz')).status).toBe(404)
  })
})
