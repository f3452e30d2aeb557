/** `/v1/deliveries`: what was sent, how it went, and sending it again (CONTRACT §2, §4.8). */
import { Hono } from 'hono'
import * as answers from './answers.ts'
import { jsonBody, noBody } from './body.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { bodyProblems, describe, idParameter, json } from './describe.ts'
import * as examples from './examples.ts'
import { faultAt, problem, throwable } from './problem.ts'
import { deliveriesQuery, pageOf } from './query-schemas.ts'
import { answerPage, deliveryDetailJson, deliveryJson } from './representations.ts'
import { redeliverSchema } from './schemas.ts'
import { notFound, pathId, validBody, validQuery } from './validate.ts'

export function deliveryRoutes(deps: AppDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  addReads(app, deps)
  addRedeliverMany(app, deps)
  addRedeliver(app, deps)
  return app
}

function addReads(app: Hono<HttpEnv>, { queries }: AppDeps): void {
  app.get(
    '/',
    describe({
      id: 'listDeliveries',
      tag: 'Deliveries',
      summary: 'List deliveries, newest first',
      description:
        'One for each webhook, with its state and why: pending, delivered, superseded by something newer, exhausted or cancelled.',
      responses: {
        200: json('A page.', answers.pageSchema(answers.Delivery), {
          data: [examples.delivery],
          next_cursor: null,
        }),
      },
      problems: ['invalid_request'],
    }),
    validQuery(deliveriesQuery),
    (c) => {
      const query = c.req.valid('query')
      const page = queries.listDeliveries(c.get('owner').id, {
        ...pageOf(query),
        ...(query.subscription_id !== undefined && { subscriptionId: query.subscription_id }),
        ...(query.state && { state: query.state }),
        ...(query.type !== undefined && { type: query.type }),
      })
      return answerPage(c, page, deliveryJson)
    },
  )
  app.get(
    '/:id',
    describe({
      id: 'getDelivery',
      tag: 'Deliveries',
      summary: 'Read a delivery with its payload and attempts',
      description:
        'The payload is the body that is sent, as an object; an attempt has what the receiver answered, or why there was no answer.',
      parameters: idParameter('dlv'),
      responses: { 200: json('The delivery.', answers.DeliveryDetail, examples.deliveryDetail) },
      problems: ['not_found'],
    }),
    (c) => {
      const record = queries.delivery(c.get('owner').id, pathId(c, 'dlv'))
      if (record === null) throw notFound('dlv')
      return c.json(deliveryDetailJson(record))
    },
  )
}

function addRedeliverMany(app: Hono<HttpEnv>, { commands }: AppDeps): void {
  app.post(
    '/redeliver',
    describe({
      id: 'redeliverMany',
      tag: 'Deliveries',
      summary: 'Send many again',
      description:
        'Every exhausted delivery that matches; times compare with `created_at`. Progress that has a newer event is skipped, as is what a cancelled subscription had.',
      responses: { 202: json('How many were queued, or would be.', answers.Count, { count: 12 }) },
      problems: bodyProblems,
    }),
    jsonBody(),
    validBody(redeliverSchema),
    async (c) => {
      const body = c.req.valid('json')
      const since = body.since === undefined ? undefined : Date.parse(body.since)
      const until = body.until === undefined ? undefined : Date.parse(body.until)
      if (since !== undefined && until !== undefined && since > until) {
        throw throwable(faultAt('since', 'must not be after until'))
      }
      const { count } = await commands.redeliverMany(c.get('owner').id, {
        dryRun: body.dry_run,
        ...(since !== undefined && { since }),
        ...(until !== undefined && { until }),
        ...(body.subscription_id !== undefined && { subscriptionId: body.subscription_id }),
        ...(body.endpoint !== undefined && { endpointId: body.endpoint }),
      })
      return c.json({ count }, 202)
    },
  )
}

function addRedeliver(app: Hono<HttpEnv>, { commands }: AppDeps): void {
  app.post(
    '/:id/redeliver',
    describe({
      id: 'redeliver',
      tag: 'Deliveries',
      summary: 'Send a delivery again',
      description: 'The same webhook id and bytes, next in its subscription.',
      parameters: idParameter('dlv'),
      responses: { 202: json('The queued delivery.', answers.Delivery, examples.queuedAgain) },
      problems: [...bodyProblems, 'not_found', 'conflict'],
    }),
    noBody,
    async (c) => {
      const result = await commands.redeliver(c.get('owner').id, pathId(c, 'dlv'))
      if (result.kind === 'not_found') throw notFound('dlv')
      if (result.kind === 'conflict') throw problem('conflict', result.detail)
      return c.json(deliveryJson(result.delivery), 202)
    },
  )
}
