import { describe, expect, test } from 'vitest'
import { testApp } from './support.ts'

describe('a call without a body', () => {
  test.each(['/v1/subscriptions/sub_1/test', '/v1/deliveries/dlv_1/redeliver'])(
    'POST %s takes none, or an empty object, and refuses what it would ignore',
    async (path) => {
      const send = async (body: string, contentType = 'application/json') => {
        const response = await testApp().call('POST', path, body, { 'content-type': contentType })
        return [response.status, ((await response.json()) as { code?: string }).code]
      }
      expect((await testApp().call('POST', path)).status).toBe(202)
      expect(await send('', 'text/plain')).toEqual([202, undefined])
      expect(await send('{}')).toEqual([202, undefined])
      expect(await send('{"x":1}')).toEqual([400, 'invalid_request'])
      expect(await send('[]')).toEqual([400, 'invalid_request'])
      expect(await send('{')).toEqual([400, 'invalid_json'])
      expect(await send('x=1', 'application/x-www-form-urlencoded')).toEqual([415, 'unsupported_media_type'])
      expect(await send(' '.repeat(70_000))).toEqual([413, 'body_too_large'])
    },
  )
})
