/** The OpenAPI 3.1 document, made from the routes and the schemas that validate them. */
import type { Hono } from 'hono'
import { generateSpecs, resolver } from 'hono-openapi'
import { WebhookEvent } from './answers.ts'
import type { HttpEnv } from './deps.ts'
import * as examples from './examples.ts'

type Document = Awaited<ReturnType<typeof generateSpecs>>

/** @param version of this Pollhook, for `info.version` */
export async function openApiDocument(app: Hono<HttpEnv>, version: string): Promise<Document> {
  const event = await resolver(WebhookEvent).toOpenAPISchema()
  return generateSpecs(app, {
    excludeStaticFile: false,
    defaultValidationErrorResponse: false,
    documentation: {
      info: {
        title: 'Pollhook',
        version,
        license: { name: 'MIT', identifier: 'MIT' },
        description:
          'A relay that polls Qencode’s job status and tells your app by signed webhooks. Every call under `/v1`, and `/metrics`, needs an API key: `Authorization: Bearer <key>`. Errors are `application/problem+json` (RFC 9457); every answer carries `x-request-id`. Bodies are sent as they are, without a `Content-Encoding`. Lists are newest first and answer `next_cursor`, null on the last page. A page looks through 10,000 rows at most: with a filter, or with very many subscriptions to few tasks, it can be short or empty before the last one, so go on until `next_cursor` is null.',
      },
      servers: [{ url: '/' }],
      tags: [
        { name: 'Subscriptions', description: 'Your wishes to be told about tasks.' },
        { name: 'Tasks', description: 'Upstream jobs that you follow.' },
        { name: 'Deliveries', description: 'Events on their way to your callback URLs.' },
        { name: 'Endpoints', description: 'The origins of your callback URLs: health and limits.' },
        { name: 'Signing secret', description: 'What verifies a webhook (Standard Webhooks 1.0).' },
        { name: 'Upstream', description: 'What Qencode calls.' },
        { name: 'System', description: 'Probes, metrics, keys.' },
      ],
      components: {
        ...event.components,
        securitySchemes: {
          apiKey: { type: 'http', scheme: 'bearer', description: 'A key of POLLHOOK_API_KEYS.' },
        },
      },
      webhooks: { event: { post: webhook(event.schema) } },
    },
  })
}

function webhook(schema: object) {
  const header = (name: string, description: string, example: string) => ({
    in: 'header',
    name,
    required: true,
    description,
    schema: { type: 'string' as const },
    example,
  })
  return {
    operationId: 'receiveEvent',
    summary: 'What is posted to your callback URL',
    description:
      'Verify `webhook-signature` with a Standard Webhooks library, then answer 2xx within the delivery timeout. The same `webhook-id` may come again: deliveries are at least once. Gaps in `seq` are normal.',
    security: [],
    parameters: [
      header('webhook-id', 'The same on every attempt and every redelivery.', 'msg_01000000000001abc_7'),
      header('webhook-timestamp', 'Unix seconds of this attempt.', '1795428130'),
      header(
        'webhook-signature',
        'One or more signatures, separated by spaces: `v1,<base64>`, and `v1a,<base64>` with a signing key.',
        'v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=',
      ),
    ],
    requestBody: {
      required: true,
      content: { 'application/json': { schema, example: examples.event } },
    },
    responses: {
      '2XX': { description: 'Delivered. Nothing else is success; redirects are not followed.' },
      '410': { description: 'The subscription is cancelled, reason `gone`.' },
      '429': { description: '`Retry-After` is honoured for the whole endpoint; 503 likewise.' },
    },
  }
}
