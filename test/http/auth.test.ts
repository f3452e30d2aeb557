import { describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { createAuthenticator } from '../../src/keys/api-keys.ts'
import { key, testApp } from './support.ts'

describe('API keys', () => {
  const { app } = testApp()

  test.each([
    ['no header', {}],
    ['another scheme', { authorization: `Basic ${key}` }],
    ['an unknown key', { authorization: 'Bearer wrong-wrong-wrong-wrong-1' }],
    ['an empty key', { authorization: 'Bearer ' }],
  ])('%s is refused with 401 and a challenge', async (_name, headers) => {
    const response = await app.request('/v1/subscriptions', { headers })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="pollhook"')
    expect(await response.json()).toMatchObject({ code: 'unauthorized', status: 401 })
  })

  test('the longest key that a configuration may have is taken', async () => {
    const longest = 'k'.repeat(512)
    const read = readConfig({
      POLLHOOK_API_KEYS: `acme=${longest}`,
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
    })
    const ownerOf = createAuthenticator(read.ok ? read.config.apiKeys : [])
    const authenticate = (given: string) => (ownerOf(given) === 'acme' ? { id: 1, name: 'acme' } : null)
    const response = await testApp({ deps: { authenticate } }).app.request('/v1/subscriptions', {
      headers: { authorization: `Bearer ${longest}` },
    })
    expect(response.status).toBe(200)
  })

  test('the scheme may be written in any case', async () => {
    const response = await app.request('/v1/subscriptions', { headers: { authorization: `bearer ${key}` } })
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('without a key nobody learns which paths exist under /v1', async () => {
    expect((await app.request('/v1/nothing')).status).toBe(401)
    expect((await app.request('/v1/tasks', { method: 'PUT' })).status).toBe(401)
  })

  test('/metrics needs a key, the probes do not', async () => {
    expect((await app.request('/metrics')).status).toBe(401)
    expect((await app.request('/healthz')).status).toBe(200)
    expect((await app.request('/readyz')).status).toBe(200)
  })
})
