import { afterAll, expect, test } from 'vitest'
import { createApi } from '../../src/cli/api.ts'
import { createLoopback } from '../support/loopback.ts'

const loopback = createLoopback()
afterAll(() => loopback.closeAll())

test('a redirect is named, not followed: elsewhere the call would go without its key and be refused', async () => {
  const relay = await loopback.http((request, response) => {
    const known = request.headers.authorization !== undefined
    response.writeHead(known ? 200 : 401).end('{"data":[],"next_cursor":null}')
  })
  const location = `http://localhost:${relay.port}/v1/tasks`
  const front = await loopback.http((_request, response) => response.writeHead(301, { location }).end())
  const { call } = createApi({ url: `http://127.0.0.1:${front.port}`, key: 'a-key' })
  await expect(call('GET', '/v1/tasks')).rejects.toThrow(
    `http://127.0.0.1:${front.port}/v1/tasks answered 301, a redirect to ${location}: give`,
  )
})
