import { describe, expect, test, vi } from 'vitest'
import { readFirst } from '../../src/http/body.ts'
import { testApp, token } from './support.ts'

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

test('what is beyond the limit of a body is not asked for, and its source is told', async () => {
  const pull = vi.fn((stream: ReadableStreamDefaultController) => stream.enqueue(new Uint8Array(10)))
  const cancel = vi.fn()
  const body = new ReadableStream<Uint8Array>({ pull, cancel }, { highWaterMark: 0 })
  expect((await readFirst(body, 25)).byteLength).toBe(25)
  expect(pull).toHaveBeenCalledTimes(3)
  expect(cancel).toHaveBeenCalledOnce()
})

test.each([
  ['in chunks', {}],
  ['that told its length', { 'content-length': '2000' }],
])(
  'a body %s is copied as it comes: of a chunk nothing is kept',
  async (_name, length: Record<string, string>) => {
    const hinted: string[] = []
    const { app } = testApp({ commands: { hint: (taskToken) => hinted.push(taskToken) } })
    const letters = new TextEncoder().encode(`task_token=${token}&a=`.padEnd(2_000, 'a')).values()
    // The same memory for each, as it would be after the chunk before was let go.
    const chunk = new Uint8Array(1)
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          const { value, done } = letters.next()
          if (done) return controller.close()
          chunk[0] = value
          controller.enqueue(chunk)
        },
      },
      { highWaterMark: 0 },
    )
    const headers = { 'content-type': 'application/x-www-form-urlencoded', ...length }
    await app.request('/callbacks/qencode', { method: 'POST', headers, body, duplex: 'half' } as RequestInit)
    expect(hinted).toEqual([token])
  },
)

describe('what is nested 30,000 levels deep is refused for what it is', () => {
  const nested = (open: string, close: string) => `${open.repeat(30_000)}1${close.repeat(30_000)}`

  test.each([
    ['an array', nested('[', ']'), { path: '', message: 'must be an object, not an array' }],
    [
      'with an escape',
      `{"\\u0061":${nested('[', ']')}}`,
      { path: 'a', message: expect.stringMatching(/is not a field/) },
    ],
    [
      'in a field',
      `{"events":${nested('[', ']')}}`,
      { path: 'events.0', message: 'must be a string, not an array' },
    ],
  ])('%s', async (_name, body, error) => {
    const response = await testApp().call('PATCH', '/v1/subscriptions/sub_1', body)
    expect(await response.json()).toMatchObject({ status: 400, code: 'invalid_request', errors: [error] })
    const batch = await testApp().call(
      'POST',
      '/v1/subscriptions/batch',
      `{"subscriptions":[${body},{"\\u0061":1}]}`,
    )
    expect(await batch.json()).toMatchObject({ results: [{ status: 400 }, { status: 400 }] })
  })
})

interface Schema {
  $ref?: string
  type?: string
  properties?: Record<string, Schema>
}
interface Document {
  paths: Record<string, Record<string, { requestBody?: { content: Record<string, { schema: Schema }> } }>>
  components: { schemas: Record<string, Schema> }
}

const document = (await (await testApp().app.request('/openapi.json')).json()) as Document
const bodies = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { requestBody }]) => {
    const schema = requestBody?.content['application/json']?.schema
    return schema === undefined ? [] : [{ path, method: method.toUpperCase(), schema: resolved(schema) }]
  }),
)

function resolved(schema: Schema): Schema {
  return schema.$ref === undefined ? schema : document.components.schemas[schema.$ref.split('/').at(-1)!]!
}

async function refusal(method: string, path: string, body: unknown) {
  const ids: Record<string, string> = { subscriptions: 'sub_1', endpoints: 'ep_1' }
  const id = ids[path.split('/')[2] ?? ''] ?? ''
  const response = await testApp().call(method, path.replace('{id}', id), body)
  return { status: response.status, ...((await response.json()) as { errors?: object[] }) }
}

describe('where the document says object, an array is refused', () => {
  test.each(bodies)('$method $path', async ({ method, path, schema }) => {
    expect(schema.type).toBe('object')
    expect(await refusal(method, path, [])).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ path: '', message: 'must be an object, not an array' }],
    })
    const objects = Object.entries(schema.properties ?? {}).filter(([, { type }]) => type === 'object')
    for (const [name] of objects) {
      const { status, errors } = await refusal(method, path, { [name]: ['a', 'b'] })
      expect(status).toBe(400)
      expect(errors).toContainEqual({ path: name, message: 'must be an object, not an array' })
    }
  })

  test('also as an item of a batch, which alone is refused', async () => {
    const response = await testApp().call('POST', '/v1/subscriptions/batch', { subscriptions: [[]] })
    expect(await response.json()).toMatchObject({
      results: [{ status: 400, problem: { errors: [{ path: '' }] } }],
    })
  })

  test('and the document has such bodies', () => {
    expect(bodies.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['/v1/subscriptions/{id}', '/v1/endpoints/{id}', '/v1/signing-secret/rotate']),
    )
    expect(document.components.schemas.Registration?.properties?.metadata?.type).toBe('object')
  })
})
