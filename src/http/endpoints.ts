/** `/v1/endpoints`: health, backlog and settings of the origins that an owner's callbacks go to. */
import { Hono } from 'hono'
import * as answers from './answers.ts'
import { jsonBody } from './body.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { bodyProblems, describe, idParameter, json } from './describe.ts'
import * as examples from './examples.ts'
import { pageOf, pageQuery } from './query-schemas.ts'
import { answerPage, endpointJson } from './representations.ts'
import { endpointChangeSchema } from './schemas.ts'
import { notFound, pathId, validBody, validQuery } from './validate.ts'

export function endpointRoutes({ queries, commands, now }: AppDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.get(
    '/',
    describe({
      id: 'listEndpoints',
      tag: 'Endpoints',
      summary: 'List endpoints, newest first',
      description:
        'An endpoint is the origin of your callback URLs: its paths share one circuit and its limits. Each with its health and what waits for it.',
      responses: {
        200: json('A page.', answers.pageSchema(answers.Endpoint), {
          data: [examples.endpoint],
          next_cursor: null,
        }),
      },
      problems: ['invalid_request'],
    }),
    validQuery(pageQuery),
    (c) => {
      const page = queries.listEndpoints(c.get('owner').id, pageOf(c.req.valid('query')), now())
      return answerPage(c, page, endpointJson)
    },
  )
  app.patch(
    '/:id',
    describe({
      id: 'updateEndpoint',
      tag: 'Endpoints',
      summary: 'Pause an endpoint or limit it',
      description:
        'While it is paused all that is made for it waits, and no attempt is used up. A limit of null is none of its own.',
      parameters: idParameter('ep'),
      responses: { 200: json('As it is now.', answers.Endpoint, examples.endpoint) },
      problems: [...bodyProblems, 'not_found'],
    }),
    jsonBody(),
    validBody(endpointChangeSchema),
    async (c) => {
      const { paused, max_concurrency: maxConcurrency, max_per_second: maxPerSecond } = c.req.valid('json')
      const record = await commands.updateEndpoint(c.get('owner').id, pathId(c, 'ep'), {
        ...(paused !== undefined && { paused }),
        ...(maxConcurrency !== undefined && { maxConcurrency }),
        ...(maxPerSecond !== undefined && { maxPerSecond }),
      })
      if (record === null) throw notFound('ep')
      return c.json(endpointJson(record))
    },
  )
  return app
}
