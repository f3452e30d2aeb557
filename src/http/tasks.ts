/** `/v1/tasks`: what Pollhook knows of the owner's tasks, and the event stream of one (CONTRACT §2). */
import { type Context, Hono } from 'hono'
import * as answers from './answers.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { describe, json, tokenParameter } from './describe.ts'
import * as examples from './examples.ts'
import { faultAt, problem, throwable } from './problem.ts'
import { pageOf, pageQuery, streamQuery } from './query-schemas.ts'
import { answerPage, taskDetailJson, taskJson } from './representations.ts'
import { createStreams } from './stream.ts'
import { notFound, pathToken, validQuery } from './validate.ts'

export function taskRoutes(deps: AppDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  addReads(app, deps)
  addEvents(app, deps)
  return app
}

function addReads(app: Hono<HttpEnv>, { queries, commands }: AppDeps): void {
  app.get(
    '/',
    describe({
      id: 'listTasks',
      tag: 'Tasks',
      summary: 'List tasks, newest first',
      description: 'Tasks on which you have a subscription in any state.',
      responses: {
        200: json('A page.', answers.pageSchema(answers.Task), { data: [examples.task], next_cursor: null }),
      },
      problems: ['invalid_request'],
    }),
    validQuery(pageQuery),
    (c) => {
      const page = queries.listTasks(c.get('owner').id, pageOf(c.req.valid('query')))
      return answerPage(c, page, (row) => taskJson(row, commands.polledAt))
    },
  )
  app.get(
    '/:token',
    describe({
      id: 'getTask',
      tag: 'Tasks',
      summary: 'Read a task with its result and transitions',
      description:
        'What webhooks told or would have told: every change of status or percent, and upstream’s own status object once it has ended.',
      parameters: tokenParameter,
      responses: { 200: json('The task.', answers.TaskDetail, examples.taskDetail) },
      problems: ['not_found'],
    }),
    (c) => {
      const record = queries.task(c.get('owner').id, pathToken(c))
      if (record === null) throw notFound('task')
      return c.json(taskDetailJson(record, commands.polledAt))
    },
  )
}

function addEvents(app: Hono<HttpEnv>, deps: AppDeps): void {
  const streams = createStreams(deps)
  app.get(
    '/:token/events',
    describe({
      id: 'streamTask',
      tag: 'Tasks',
      summary: 'Follow a task as server-sent events',
      description:
        'Each `data:` line is a `WebhookEvent` with `subscription_id` null and `metadata` `{}`; `id:` is its `seq`. Without `Last-Event-ID` and `after` it starts with the newest transition. A comment every 15 s keeps the connection open. It ends when the task has ended or your last subscription to it ended; what came after that is not in it. You may have 5,000 open at once.',
      parameters: [
        ...tokenParameter,
        {
          in: 'header',
          name: 'Last-Event-ID',
          description: 'Replays what came after this `seq`; an EventSource sends it when it reconnects.',
          schema: { type: 'integer', minimum: 0 },
        },
      ],
      responses: {
        200: {
          description: 'The stream.',
          content: {
            'text/event-stream': {
              schema: { type: 'string' },
              example: `id: 7\ndata: ${JSON.stringify(examples.event)}\n\n`,
            },
          },
        },
        204: { description: 'Nothing is left to come; an EventSource stops.' },
      },
      problems: ['invalid_request', 'not_found'],
    }),
    validQuery(streamQuery),
    (c) => {
      const taskToken = pathToken(c)
      const ownerId = c.get('owner').id
      const state = deps.queries.streamState(ownerId, taskToken)
      if (state === null) throw notFound('task')
      const after = lastEventId(c) ?? c.req.valid('query').after ?? Math.max(0, state.lastSeq - 1)
      if (!state.watching && after >= state.lastSeq) return c.body(null, 204)
      if (!streams.accepting(ownerId))
        throw problem('unavailable', 'No more event streams are taken. Try again later.')
      return c.body(streams.open({ ownerId, taskToken, after }), 200, {
        'content-type': 'text/event-stream',
        // A relay that stops ends it: what is asked for next over the same connection would be refused.
        connection: 'close',
        // Asks nginx and its kin to pass events on at once.
        'x-accel-buffering': 'no',
      })
    },
  )
}

/** @throws invalid_request as a problem when it is no `seq` */
function lastEventId(c: Context<HttpEnv>): number | null {
  const raw = c.req.header('last-event-id') ?? ''
  if (raw === '') return null
  if (/^\d{1,15}$/.test(raw)) return Number(raw)
  throw throwable(faultAt('Last-Event-ID', 'must be the id of an event of this stream'))
}
