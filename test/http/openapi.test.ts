import { Validator } from '@seriousme/openapi-schema-validator'
import { beforeAll, describe, expect, test } from 'vitest'
import { problems } from '../../src/http/problem.ts'
import { testApp } from './support.ts'

interface Operation {
  operationId: string
  summary?: string
  tags?: string[]
  security?: object[]
  parameters?: { name: string; in: string; schema: { type?: string } }[]
  requestBody?: { required?: boolean; content: Record<string, { schema: object }> }
  responses: Record<string, { content?: Record<string, { examples?: object; example?: unknown }> }>
}
interface Document {
  openapi: string
  info: { version: string }
  paths: Record<string, Record<string, Operation>>
  webhooks: Record<string, unknown>
  components: { schemas: Record<string, unknown> }
}

describe('/openapi.json', () => {
  const { app } = testApp()
  let document: Document
  let operations: Operation[]

  beforeAll(async () => {
    document = (await (await app.request('/openapi.json')).json()) as Document
    operations = Object.values(document.paths).flatMap((path) => Object.values(path))
  })

  test('is valid OpenAPI 3.1 by an independent validator', async () => {
    const validator = new Validator()
    const { valid, errors } = await validator.validate(JSON.parse(JSON.stringify(document)))
    expect(errors).toBeUndefined()
    expect(valid).toBe(true)
    expect(validator.version).toBe('3.1')
    expect(document.info.version).toBe('0.1.0')
  })

  test('every reference leads somewhere', () => {
    const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name]) => name,
    )
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => document.components.schemas[name ?? ''] === undefined)).toEqual([])
  })

  test('describes every route of the contract, and nothing that is not there', () => {
    const described = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(described.sort()).toEqual(
      [
        'GET /.well-known/jwks.json',
        'GET /healthz',
        'GET /metrics',
        'GET /readyz',
        'GET /v1/deliveries',
        'GET /v1/deliveries/{id}',
        'GET /v1/endpoints',
        'GET /v1/signing-secret',
        'GET /v1/subscriptions',
        'GET /v1/subscriptions/{id}',
        'GET /v1/tasks',
        'GET /v1/tasks/{token}',
        'GET /v1/tasks/{token}/events',
        'DELETE /v1/subscriptions/{id}',
        'PATCH /v1/endpoints/{id}',
        'PATCH /v1/subscriptions/{id}',
        'POST /callbacks/qencode',
        'POST /v1/deliveries/redeliver',
        'POST /v1/deliveries/{id}/redeliver',
        'POST /v1/signing-secret/rotate',
        'POST /v1/subscriptions',
        'POST /v1/subscriptions/batch',
        'POST /v1/subscriptions/{id}/test',
      ].sort(),
    )
  })

  test('every operation has a name of its own, a summary, a tag and examples', () => {
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    expect(operations.filter(({ summary, tags }) => !summary || !tags?.length)).toEqual([])
    const bare = operations.flatMap(({ operationId, responses }) =>
      Object.entries(responses)
        .filter(
          ([, { content }]) =>
            content?.['application/json']?.example === undefined && content?.['application/json'],
        )
        .map(([status]) => `${operationId} ${status}`),
    )
    expect(bare).toEqual([])
  })

  test('a queued delivery is shown pending, and as what it is', () => {
    const queued = operations.flatMap(({ operationId, responses }) => {
      const example = responses[202]?.content?.['application/json']?.example as Record<string, unknown>
      return example?.state === undefined ? [] : [{ operationId, ...example }]
    })
    const waits = { state: 'pending', finished_at: null, next_attempt_at: expect.any(String) }
    expect(queued).toEqual([
      expect.objectContaining({
        operationId: 'testSubscription',
        type: 'pollhook.test',
        seq: null,
        ...waits,
      }),
      expect.objectContaining({ operationId: 'redeliver', type: 'task.completed', ...waits }),
    ])
  })

  test('every code of the contract appears, with an example', () => {
    const codes = operations.flatMap(({ responses }) =>
      Object.values(responses).flatMap(({ content }) =>
        Object.keys(content?.['application/problem+json']?.examples ?? {}),
      ),
    )
    // A described operation is never called with a wrong method.
    const expected = Object.keys(problems).filter((code) => code !== 'method_not_allowed')
    expect([...new Set(codes)].sort()).toEqual(expected.sort())
  })

  test('only open routes can be called without a key', () => {
    const open = operations
      .filter(({ security }) => security?.length === 0)
      .map(({ operationId }) => operationId)
    expect(open.sort()).toEqual(['healthz', 'jwks', 'qencodeCallback', 'readyz'])
  })

  test('query parameters show what they mean, bodies what they refuse', () => {
    const list = document.paths['/v1/subscriptions']?.get
    expect(list?.parameters?.find(({ name }) => name === 'limit')?.schema).toMatchObject({
      type: 'integer',
      minimum: 1,
      maximum: 200,
    })
    expect(document.components.schemas.Registration).toMatchObject({
      additionalProperties: false,
      required: ['task_token', 'callback_url'],
      properties: { expires_in: { type: 'integer', maximum: 604_800 } },
    })
  })

  test('a body is required where the call needs one, and nowhere else', () => {
    const optional = operations
      .filter(({ requestBody }) => requestBody !== undefined && requestBody.required !== true)
      .map(({ operationId }) => operationId)
    expect(optional.sort()).toEqual(['qencodeCallback', 'rotateSigningSecret'])
    expect(document.paths['/v1/signing-secret/rotate']?.post?.requestBody).toEqual({
      required: false,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/SecretRotation' } } },
    })
  })

  test('the webhook is described by the event schema', () => {
    expect(document.webhooks).toMatchObject({
      event: {
        post: {
          requestBody: {
            content: { 'application/json': { schema: { $ref: '#/components/schemas/WebhookEvent' } } },
          },
        },
      },
    })
  })
})

describe('/docs', () => {
  const { app } = testApp()

  test('loads nothing from elsewhere, and its policy would forbid it', async () => {
    const response = await app.request('/docs')
    const page = await response.text()
    expect(response.headers.get('content-type')).toContain('text/html')
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//)
    for (const [, path] of page.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)) {
      const asset = await app.request(`/${path}`)
      expect([path, asset.status]).toEqual([path, 200])
      await asset.body?.cancel()
    }
  })

  test.each(['package.json', 'index.html', '..%2fpackage.json'])(
    '%s of the package is not served',
    async (name) => {
      expect((await app.request(`/docs/${name}`)).status).toBe(404)
    },
  )

  test('reads each file once it is there: callers who are slow to take it share one copy', async () => {
    const there = new TextEncoder().encode('a {}')
    const answers = [null, there]
    const docsAsset = async () => answers.shift() ?? null
    const { app } = testApp({ deps: { docsAsset } })
    const ask = async () => (await app.request('/docs/swagger-ui.css')).status
    expect(await ask()).toBe(404)
    expect(await Promise.all([ask(), ask()])).toEqual([200, 200])
    expect(await ask()).toBe(200)
  })

  test('a runtime without the files answers 404', async () => {
    const without = testApp({ deps: { docsAsset: async () => null } })
    expect((await without.app.request('/docs/swagger-ui.css')).status).toBe(404)
  })
})
