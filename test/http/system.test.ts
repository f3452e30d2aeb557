import { describe, expect, test, vi } from 'vitest'
import { testApp, token } from './support.ts'

describe('POST /callbacks/qencode', () => {
  async function hinted(body: string | URLSearchParams | FormData, headers: Record<string, string> = {}) {
    const hint = vi.fn()
    const { app } = testApp({ commands: { hint } })
    const response = await app.request('/callbacks/qencode', { method: 'POST', body, headers })
    return { status: response.status, tokens: hint.mock.calls.flat() }
  }

  test('a form with a token makes its task due, without a key', async () => {
    const form = new URLSearchParams({ task_token: token, event: 'saved', status: '{"status":"completed"}' })
    expect(await hinted(form)).toEqual({ status: 204, tokens: [token] })
    const multipart = new FormData()
    multipart.set('task_token', token)
    expect(await hinted(multipart)).toEqual({ status: 204, tokens: [token] })
    const twice = new URLSearchParams({ task_token: token })
    twice.append('task_token', '0'.repeat(32))
    expect(await hinted(twice)).toEqual({ status: 204, tokens: [token] })
  })

  test.each<[string, string, string]>([
    ['garbage', '\u0000%%%', 'application/x-www-form-urlencoded'],
    ['no token', 'event=saved', 'application/x-www-form-urlencoded'],
    ['a bad token', 'task_token=..%2F..', 'application/x-www-form-urlencoded'],
    ['broken multipart', 'x', 'multipart/form-data; boundary=b'],
    ['JSON', JSON.stringify({ task_token: token }), 'application/json'],
    [
      'a body over 64 KiB',
      `task_token=${token}&x=${'x'.repeat(65_536)}`,
      'application/x-www-form-urlencoded',
    ],
  ])('%s is 204 and does nothing', async (_name, body, type) => {
    expect(await hinted(body, { 'content-type': type })).toEqual({ status: 204, tokens: [] })
  })
})

describe('what operators ask', () => {
  test('/readyz is 503 while starting or draining, /healthz is not', async () => {
    const { app } = testApp({ commands: { ready: () => false } })
    const response = await app.request('/readyz')
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'unavailable' })
    expect((await app.request('/healthz')).status).toBe(200)
  })

  test('/metrics is Prometheus text, or 404 without any', async () => {
    const metrics = async () => 'pollhook_up 1\n'
    const response = await testApp({ deps: { metrics } }).call('GET', '/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(await response.text()).toBe('pollhook_up 1\n')
    expect((await testApp().call('GET', '/metrics')).status).toBe(404)
  })

  test('the key set is there when there is a key', async () => {
    const jwks = () => ({ keys: [{ kty: 'OKP' }] })
    const response = await testApp({ deps: { jwks } }).app.request('/.well-known/jwks.json')
    expect(await response.json()).toEqual(jwks())
    expect(response.headers.get('cache-control')).toBe('public, max-age=300')
    expect((await testApp().app.request('/.well-known/jwks.json')).status).toBe(404)
  })

  test('requests are logged by route pattern, probes at level debug', async () => {
    const { app, call, logged } = testApp()
    await call('GET', `/v1/tasks/${token}`)
    const probes = ['/healthz', '/readyz', '/metrics']
    for (const path of probes) await call('GET', path)
    // No ticket of the dashboard, but a key that nobody has: who tries some is seen.
    await app.request('/v1/tasks', { headers: { authorization: 'Bearer pht_acme.1.0' } })
    expect(logged).toMatchObject([
      { level: 'info', fields: { method: 'GET', route: '/v1/tasks/:token', status: 200, owner: 'acme' } },
      ...probes.map((route) => ({ level: 'debug', fields: { route } })),
      { level: 'info', fields: { route: '/v1/tasks', status: 401 } },
    ])
    expect(JSON.stringify(logged)).not.toContain(token)
  })
})
