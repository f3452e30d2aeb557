/**
 * Every operation of the OpenAPI document, with bodies, queries and ids that no honest caller sends. Whatever
 * comes, the answer has a documented status below 500, and an error is a problem of the documented shape.
 */
import fc from 'fast-check'
import * as v from 'valibot'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Problem } from '../../src/http/answers.ts'
import { newToken } from '../contract/subject.ts'
import { testApp } from '../http/support.ts'
import { type FuzzedRelay, startFuzzedRelay } from './relay.ts'

interface Schema {
  $ref?: string
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  properties?: Record<string, Schema>
  items?: Schema
  examples?: unknown[]
}
interface Operation {
  operationId: string
  parameters?: { in: string; name: string }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
  responses: Record<string, object>
}
interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

const seed = 20_261_124
const numRuns = 45
const document = (await (await testApp().app.request('/openapi.json')).json()) as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
)

/** Fields whose examples would lead out of this machine, or to the subscription of the test before. */
const own: Record<string, () => unknown> = {
  callback_url: () => relay.callbackUrl,
  status_url: () => null,
  task_token: newToken,
}

/** A value that the schema would take, from its examples. */
function sampleOf(schema: Schema): unknown {
  if (schema.$ref !== undefined) return sampleOf(document.components.schemas[schema.$ref.split('/').at(-1)!]!)
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.examples !== undefined) return schema.examples[0]
  if (schema.anyOf !== undefined) return schema.anyOf[0]?.examples?.[0] ?? null
  if (schema.type === 'array') return [sampleOf(schema.items ?? {})]
  if (schema.type === 'object') {
    const properties = Object.entries(schema.properties ?? {})
    return Object.fromEntries(
      properties.map(([name, property]) => [name, name in own ? own[name]?.() : sampleOf(property)]),
    )
  }
  if (schema.type === 'boolean') return false
  return schema.type === 'string' ? 'text' : 1
}

const edges = fc.constantFrom<unknown>(
  ...[
    null,
    true,
    0,
    -1,
    0.1,
    1e308,
    -1e-308,
    2 ** 53 + 2,
    '',
    ' ',
    '\0',
    '\ud800',
    '\udc00x',
    'x'.repeat(5000),
  ],
  ...[
    'None',
    '-1',
    '1e999',
    '9999-12-31T23:59:59.999Z',
    '2026-02-31T00:00:00Z',
    '+275760-09-13T00:00:00.001Z',
  ],
  ...[
    'https://[::',
    'https://xn--a',
    'http://127.0.0.1:65536/',
    'https://a.example\\@b.example',
    'whsec_',
    '*',
  ],
  ...[[], {}, [[]], [null], { constructor: 1 }, { toString: 'x' }, { '': '' }, { length: 2 ** 32 }],
)
const value = fc.oneof(edges, fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' }))
/** As large as a body may be, where each part could be a fault of its own, or the work grow faster than the size. */
const large = fc.constantFrom<unknown>(
  Array.from({ length: 20_000 }, () => ''),
  Object.fromEntries(Array.from({ length: 5000 }, (_, at) => [`n${at}`, at])),
  `https://${Array.from({ length: 2000 }, (_, at) => String.fromCodePoint(0x4e00 + at)).join('')}/`,
  `https://${'.'.repeat(2000)}a/`,
)
const part = fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: large })
const name = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '', '\ud800'),
  fc.string(),
)

/** A sample with a field replaced, left out or added; now and then within a list. */
function mutated(sample: unknown): fc.Arbitrary<unknown> {
  if (Array.isArray(sample))
    return fc.oneof(
      part,
      mutated(sample[0]).map((one) => [one]),
    )
  if (typeof sample !== 'object' || sample === null) return part
  const fields = Object.keys(sample)
  const known = fields.length === 0 ? name : fc.constantFrom(...fields)
  return fc.oneof(
    fc.tuple(known, part).map(([field, other]) => ({ ...sample, [field]: other })),
    known.map((left) => Object.fromEntries(Object.entries(sample).filter(([field]) => field !== left))),
    fc
      .tuple(name, part)
      .map(([field, other]) => Object.fromEntries([...Object.entries(sample), [field, other]])),
    known.chain((field) =>
      mutated((sample as Record<string, unknown>)[field]).map((other) => ({ ...sample, [field]: other })),
    ),
    fc.constant(sample),
  )
}

/** `__proto__` as `JSON.stringify` of a record would lose it, nesting, and texts that are no JSON or no UTF-8. */
const rawBody: fc.Arbitrary<string | Uint8Array<ArrayBuffer>> = fc.oneof(
  fc.constantFrom('', '{', 'null', '[]', '{"__proto__":{"x":1}}', '{"a":1,"a":2}', '\ufeff{}', '{"a":1e999}'),
  fc.constantFrom('['.repeat(60_000), '{"a":'.repeat(10_000), `${'['.repeat(9000)}${']'.repeat(9000)}`),
  fc.constantFrom('"\\ud800"', '{"\\u005f_proto__":1}', `"${'x'.repeat(70_000)}"`),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ max: 255, maxLength: 64 }).map((bytes) => Uint8Array.from(bytes)),
)

const mediaType = fc.oneof(
  { weight: 9, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['', 'text/plain', 'application/json; charset=latin1', 'application/problem+json', '*/*', ';'],
      ...['multipart/form-data', 'multipart/form-data; boundary=x', 'application/x-www-form-urlencoded'],
    ),
  },
)

function bodyOf({ requestBody }: Operation): fc.Arbitrary<string | Uint8Array<ArrayBuffer>> {
  const schema = Object.values(requestBody?.content ?? {})[0]?.schema
  if (schema === undefined) return rawBody
  const near = mutated(sampleOf(schema)).map((sample) => JSON.stringify(sample))
  return fc.oneof({ weight: 3, arbitrary: near }, { weight: 1, arbitrary: rawBody })
}

function queryOf({ parameters = [] }: Operation): fc.Arbitrary<string> {
  const names = parameters.filter((one) => one.in === 'query').map((one) => one.name)
  const text = value.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)))
  const pair = fc.tuple(fc.oneof(fc.constantFrom('x', ...names), name), text)
  return fc.oneof(
    fc.array(pair, { maxLength: 4 }).map((pairs) => new URLSearchParams(pairs).toString()),
    fc.constantFrom('%', '%ff', 'limit=%E0%A4%A', 'cursor=%00', 'limit[]=1', '=', '&&', 'limit=1&limit=2'),
  )
}

let relay: FuzzedRelay
/** One of each kind that exists, by the start of the path, so that calls get past the look-up. */
let ids: Record<string, string>

beforeAll(async () => {
  relay = await startFuzzedRelay()
})

beforeEach(async () => {
  const token = newToken()
  const made = await post('/v1/subscriptions', { task_token: token, callback_url: relay.callbackUrl })
  const tested = await post(`/v1/subscriptions/${made.id}/test`, undefined)
  const { data } = (await (await relay.request('/v1/endpoints')).json()) as { data: { id: string }[] }
  ids = {
    subscriptions: String(made.id),
    tasks: token,
    deliveries: String(tested.id),
    endpoints: data[0]?.id ?? 'ep_0',
  }
})

afterAll(() => relay.close())

async function post(path: string, body: unknown): Promise<Record<string, unknown>> {
  const response = await relay.request(path, {
    method: 'POST',
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  })
  expect(response.ok).toBe(true)
  return (await response.json()) as Record<string, unknown>
}

async function expectDocumented(response: Response, operation: Operation): Promise<void> {
  expect(Object.keys(operation.responses)).toContain(String(response.status))
  expect(response.headers.get('x-request-id')).toMatch(/./)
  if (response.status < 400) {
    await response.body?.cancel()
    return
  }
  expect(response.status).toBeLessThan(500)
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body: unknown = await response.json()
  const problem = v.parse(v.strictObject(Problem.entries), body)
  expect(problem.status).toBe(response.status)
}

describe('no request is too strange for', () => {
  test.each(operations)('$method $path', async ({ method, path, operation }) => {
    const existing = ids[path.split('/')[2] ?? ''] ?? 'sub_0'
    const id = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(existing) },
      { weight: 1, arbitrary: fc.constantFrom(...Object.values(ids)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '%',
          '%ff',
          '%00',
          'sub_',
          'dlv_%2e',
          `ep_${'x'.repeat(3000)}`,
          'sub_%F0%9F',
        ),
      },
      {
        weight: 1,
        arbitrary: fc
          .string({ unit: 'grapheme', minLength: 1 })
          .map((text) => `x${encodeURIComponent(text)}`),
      },
    )
    const input = fc.record({ id, query: queryOf(operation), body: bodyOf(operation), mediaType })
    const property = fc.asyncProperty(input, async (given) => {
      const target = `${path.replace(/\{\w+\}/, () => given.id)}?${given.query}`
      const sent = method === 'GET' ? {} : { body: given.body, headers: { 'content-type': given.mediaType } }
      await expectDocumented(await relay.request(target, { method, ...sent }), operation)
    })
    await fc.assert(property, { seed, numRuns })
  })

  test('the relay, which still runs and has logged no error', async () => {
    expect((await relay.request('/readyz')).status).toBe(200)
    expect(relay.errors).toEqual([])
  })
})
