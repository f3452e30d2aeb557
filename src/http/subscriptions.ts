/** `/v1/subscriptions`: register, list, change, cancel and test (CONTRACT §2). */
import { type Context, Hono } from 'hono'
import { resolver } from 'hono-openapi'
import * as v from 'valibot'
import type { UpdateResult } from '../commands.ts'
import { parseUrl } from '../core/target.ts'
import * as answers from './answers.ts'
import { subscribeBatch } from './batch.ts'
import { batchBytesMax, jsonBody, noBody, parseJson } from './body.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { bodyProblems, describe, idParameter, json } from './describe.ts'
import * as examples from './examples.ts'
import { problem, throwable } from './problem.ts'
import { pageOf, subscriptionsQuery } from './query-schemas.ts'
import { changePatch, existsProblem, refusal, registrationInput } from './registration.ts'
import { answerPage, deliveryJson, subscriptionJson } from './representations.ts'
import { batchDocumentSchema, batchSchema, changeSchema, registrationSchema } from './schemas.ts'
import { invalid, notFound, pathId, validBody, validQuery } from './validate.ts'

const writeProblems = [
  ...bodyProblems,
  'callback_not_allowed',
  'status_url_not_allowed',
  'subscription_exists',
] as const

export function subscriptionRoutes(deps: AppDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  addRegister(app, deps)
  addBatch(app, deps)
  addReads(app, deps)
  addChange(app, deps)
  addCancelAndTest(app, deps)
  return app
}

function addRegister(app: Hono<HttpEnv>, deps: AppDeps): void {
  app.post(
    '/',
    describe({
      id: 'createSubscription',
      tag: 'Subscriptions',
      summary: 'Register',
      description:
        'Pollhook polls the task and posts a signed webhook at every change. The same task and callback URL again, with equal options, answers 200 with the subscription that is there.',
      responses: {
        201: {
          ...json('Registered, and on disk.', answers.Subscription, examples.subscription),
          headers: { Location: { description: 'Path of the subscription.', schema: { type: 'string' } } },
        },
        200: json(
          'Already active with equal options; unchanged.',
          answers.Subscription,
          examples.subscription,
        ),
      },
      problems: [...writeProblems, 'quota_exceeded'],
    }),
    jsonBody(),
    validBody(registrationSchema(deps.watch.maxMs)),
    async (c) => {
      const input = registrationInput(deps, c.get('owner').id, c.req.valid('json'))
      if (!input.ok) throw throwable(input.problem)
      const result = (await deps.commands.subscribe([input.value]))[0]!
      if (result.kind !== 'created' && result.kind !== 'existing') throw throwable(refusal(result))
      const body = subscriptionJson(result.subscription, deps.commands.polledAt)
      if (result.kind === 'existing') return c.json(body, 200)
      return c.json(body, 201, { location: `/v1/subscriptions/${body.id}` })
    },
  )
}

function addBatch(app: Hono<HttpEnv>, deps: AppDeps): void {
  const schema = registrationSchema(deps.watch.maxMs)
  app.post(
    '/batch',
    // Described by hand: the validator must let a faulty item through, to answer it beside the others.
    describe({
      id: 'createSubscriptions',
      tag: 'Subscriptions',
      summary: 'Register many',
      description:
        'Up to 1,000 registrations, at most 1 MiB. Each stands alone: `status` is what `POST /v1/subscriptions` would have answered.',
      requestBody: {
        required: true,
        content: {
          'application/json': {
            schema: resolver(batchDocumentSchema(deps.watch.maxMs)),
            example: { subscriptions: [examples.registration] },
          },
        },
      },
      responses: {
        200: json('The results in order.', answers.BatchResults, {
          results: [{ status: 201, subscription: examples.subscription }],
        }),
      },
      problems: bodyProblems,
    }),
    jsonBody({ bytesMax: batchBytesMax }),
    async (c) => {
      const body = v.safeParse(batchSchema, parseJson(await c.req.text()))
      if (!body.success) throw throwable(invalid(body.issues))
      const items = body.output.subscriptions
      const results = await subscribeBatch(deps, {
        owner: c.get('owner'),
        requestId: c.get('requestId'),
        schema,
        items,
      })
      return c.json({ results })
    },
  )
}

function addReads(app: Hono<HttpEnv>, { queries, commands }: AppDeps): void {
  app.get(
    '/',
    describe({
      id: 'listSubscriptions',
      tag: 'Subscriptions',
      summary: 'List subscriptions, newest first',
      description: 'Yours in every state: one that has ended stays until the history of its task is deleted.',
      responses: {
        200: json('A page.', answers.pageSchema(answers.Subscription), {
          data: [examples.subscription],
          next_cursor: null,
        }),
      },
      problems: ['invalid_request'],
    }),
    validQuery(subscriptionsQuery),
    (c) => {
      const query = c.req.valid('query')
      const page = queries.listSubscriptions(c.get('owner').id, {
        ...pageOf(query),
        ...(query.task_token !== undefined && { taskToken: query.task_token }),
        ...(query.state && { state: query.state }),
        // Stored as the WHATWG parser serialises it, so compared as that.
        ...(query.callback_url !== undefined && {
          callbackUrl: parseUrl(query.callback_url)?.href ?? query.callback_url,
        }),
      })
      return answerPage(c, page, (row) => subscriptionJson(row, commands.polledAt))
    },
  )
  app.get(
    '/:id',
    describe({
      id: 'getSubscription',
      tag: 'Subscriptions',
      summary: 'Read a subscription',
      description: 'Its options, its state and why, and what is known of its task.',
      parameters: idParameter('sub'),
      responses: { 200: json('The subscription.', answers.Subscription, examples.subscription) },
      problems: ['not_found'],
    }),
    (c) => {
      const record = queries.subscription(c.get('owner').id, pathId(c, 'sub'))
      if (record === null) throw notFound('sub')
      return c.json(subscriptionJson(record, commands.polledAt))
    },
  )
}

function addChange(app: Hono<HttpEnv>, deps: AppDeps): void {
  app.patch(
    '/:id',
    describe({
      id: 'updateSubscription',
      tag: 'Subscriptions',
      summary: 'Change, pause or resume a subscription',
      description:
        'Active and paused ones only. Pending deliveries keep their bytes and ids; `callback_url` and `secret` apply to every attempt started after the answer.',
      parameters: idParameter('sub'),
      responses: { 200: json('As it is now.', answers.Subscription, examples.subscription) },
      problems: [...writeProblems, 'not_found', 'conflict'],
    }),
    jsonBody(),
    validBody(changeSchema(deps.watch.maxMs)),
    async (c) => {
      const id = pathId(c, 'sub')
      const patch = changePatch(deps.policy, c.req.valid('json'))
      return answerUpdate(c, deps, await deps.commands.updateSubscription(c.get('owner').id, id, patch))
    },
  )
}

const ranOut =
  'Its time ran out while it was paused. Set state to active, which lets it end as expired, and register again.'

function answerUpdate(c: Context<HttpEnv>, deps: AppDeps, result: UpdateResult): Response {
  switch (result.kind) {
    case 'updated':
      return c.json(subscriptionJson(result.subscription, deps.commands.polledAt))
    case 'not_found':
      throw notFound('sub')
    case 'conflict':
      throw problem(
        'conflict',
        result.pauseHides
          ? ranOut
          : `The subscription is ${result.state}; only an active or paused one changes.`,
      )
    case 'subscription_exists':
      throw throwable(existsProblem(result.id, 'active'))
  }
}

function addCancelAndTest(app: Hono<HttpEnv>, { commands }: AppDeps): void {
  app.delete(
    '/:id',
    describe({
      id: 'cancelSubscription',
      tag: 'Subscriptions',
      summary: 'Cancel a subscription',
      description: 'Pending deliveries are cancelled; no request is started after the answer.',
      parameters: idParameter('sub'),
      responses: { 204: { description: 'Cancelled, or had ended before.' } },
      problems: ['not_found'],
    }),
    async (c) => {
      if (!(await commands.cancelSubscription(c.get('owner').id, pathId(c, 'sub')))) throw notFound('sub')
      return c.body(null, 204)
    },
  )
  app.post(
    '/:id/test',
    describe({
      id: 'testSubscription',
      tag: 'Subscriptions',
      summary: 'Send a signed test event',
      description:
        'Goes to the callback URL whatever `events` says, before what waits there and also while the endpoint is failing; where the subscription or the endpoint is paused it waits. A few attempts, as for progress.',
      parameters: idParameter('sub'),
      responses: { 202: json('The queued `pollhook.test`.', answers.Delivery, examples.queuedTest) },
      problems: [...bodyProblems, 'not_found', 'conflict'],
    }),
    noBody,
    async (c) => {
      const result = await commands.sendTest(c.get('owner').id, pathId(c, 'sub'))
      if (result.kind === 'not_found') throw notFound('sub')
      if (result.kind === 'conflict') throw problem('conflict', result.detail)
      return c.json(deliveryJson(result.delivery), 202)
    },
  )
}
