/** Building blocks for the OpenAPI description that stands beside each route. */
import type { MiddlewareHandler } from 'hono'
import { type DescribeRouteOptions, describeRoute, resolver } from 'hono-openapi'
import type * as v from 'valibot'
import * as answers from './answers.ts'
import * as examples from './examples.ts'
import { faultAt, type ProblemCode, problemBody, problems } from './problem.ts'

type Responses = NonNullable<DescribeRouteOptions['responses']>
type Parameters = NonNullable<DescribeRouteOptions['parameters']>

interface Operation {
  id: string
  tag: 'Subscriptions' | 'Tasks' | 'Deliveries' | 'Endpoints' | 'Signing secret' | 'Upstream' | 'System'
  summary: string
  description: string
  responses: Responses
  /** Besides those that every call under its security can meet. */
  problems?: readonly ProblemCode[]
  parameters?: Parameters
  requestBody?: NonNullable<DescribeRouteOptions['requestBody']>
  /** Callable without an API key. */
  open?: boolean
}

/** Describes one route; every problem it can answer appears with an example. */
export function describe(operation: Operation): MiddlewareHandler {
  const { id, tag, summary, description, responses, parameters, requestBody, open = false } = operation
  const common: ProblemCode[] = open ? ['internal'] : ['unauthorized', 'internal', 'unavailable']
  return describeRoute({
    operationId: id,
    tags: [tag],
    summary,
    description,
    ...(parameters !== undefined && { parameters }),
    ...(requestBody !== undefined && { requestBody }),
    security: open ? [] : [{ apiKey: [] }],
    responses: { ...responses, ...problemResponses([...(operation.problems ?? []), ...common]) },
  })
}

/** A JSON answer with an example. */
export function json(description: string, schema: v.GenericSchema, example?: unknown): Responses[string] {
  const content = { schema: resolver(schema), ...(example !== undefined && { example }) }
  return { description, content: { 'application/json': content } }
}

/** What `jsonBody` and `validBody` can answer. */
export const bodyProblems = [
  'invalid_json',
  'invalid_request',
  'body_too_large',
  'unsupported_media_type',
] as const satisfies readonly ProblemCode[]

export function idParameter(prefix: 'sub' | 'dlv' | 'ep'): Parameters {
  const example = prefix === 'ep' ? examples.endpoint.id : `${prefix}_01000000000001abc`
  return [{ in: 'path', name: 'id', required: true, schema: { type: 'string' }, example }]
}

export const tokenParameter: Parameters = [
  {
    in: 'path',
    name: 'token',
    required: true,
    description: 'The task token.',
    schema: { type: 'string', pattern: '^[a-f0-9]{32}$' },
    example: '471272a512d76c22665db9dcee893409',
  },
]

const retryAfter = {
  'Retry-After': { description: 'Seconds until it is worth a try.', schema: { type: 'integer' as const } },
}

function problemResponses(codes: readonly ProblemCode[]): Responses {
  const byStatus = Map.groupBy(new Set(codes), (code) => problems[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      String(status),
      {
        description: group.map((code) => `\`${code}\`: ${problems[code].title}`).join('. '),
        ...(status === problems.unavailable.status && { headers: retryAfter }),
        content: {
          'application/problem+json': {
            schema: resolver(answers.Problem),
            examples: Object.fromEntries(group.map((code) => [code, { value: problemExample(code) }])),
          },
        },
      },
    ]),
  )
}

function problemExample(code: ProblemCode) {
  const detail = `${problems[code].title}.`
  if (code === 'invalid_request') return problemBody(faultAt('task_token', 'is required'), 'req_5kq2a8w1')
  const extras = code === 'subscription_exists' ? { id: 'sub_01000000000001abc' } : {}
  return problemBody({ code, detail, ...extras }, 'req_5kq2a8w1')
}
