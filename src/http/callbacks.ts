/**
 * `POST /callbacks/qencode`: upstream's own, unsigned callback. Nothing in it is believed; a known token only
 * makes its task due (CONTRACT §2). Anyone may call it, so it writes nothing and always answers the same.
 */
import { type Context, Hono } from 'hono'
import { taskTokenPattern } from '../core/task-token.ts'
import { bodyBytesMax, formOf, readBody } from './body.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { describe } from './describe.ts'

export function callbackRoutes({ commands }: Pick<AppDeps, 'commands'>): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.post(
    '/qencode',
    describe({
      id: 'qencodeCallback',
      tag: 'Upstream',
      summary: 'Take Qencode’s own callback as a hint to poll',
      description: 'Give this as `callback_url` of a job. Never trusted as data.',
      open: true,
      requestBody: {
        content: {
          'application/x-www-form-urlencoded': {
            schema: { type: 'object', properties: { task_token: { type: 'string' } } },
            example: { task_token: '471272a512d76c22665db9dcee893409', event: 'saved' },
          },
        },
      },
      responses: { 204: { description: 'Always.' } },
    }),
    async (c) => {
      const token = await formToken(c)
      if (token !== null && taskTokenPattern.test(token)) commands.hint(token)
      return c.body(null, 204)
    },
  )
  return app
}

/** Null for whatever is not a form with a token, also for one that broke off. */
async function formToken(c: Context<HttpEnv>): Promise<string | null> {
  const bytes = await readBody(c, bodyBytesMax).catch(() => null)
  const form = bytes && (await formOf(c, bytes))
  return form?.get('task_token') ?? null
}
