/** `/v1/signing-secret`: the only place where secrets leave Pollhook (CONTRACT §4.9). */
import { Hono } from 'hono'
import * as answers from './answers.ts'
import { jsonBody } from './body.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { bodyProblems, describe, json } from './describe.ts'
import * as examples from './examples.ts'
import { secretsJson } from './representations.ts'
import { rotateSchema } from './schemas.ts'
import { validBody } from './validate.ts'

export function secretRoutes({ commands }: AppDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.get(
    '/',
    describe({
      id: 'getSigningSecret',
      tag: 'Signing secret',
      summary: 'Read the secrets that sign your webhooks',
      description:
        'Webhooks of subscriptions without a secret of their own carry a signature under each. Verify with any of them.',
      responses: { 200: json('Newest first.', answers.SigningSecrets, examples.signingSecrets) },
    }),
    (c) => c.json(secretsJson(commands.signingSecrets(c.get('owner').id))),
  )
  app.post(
    '/rotate',
    jsonBody({ optional: true }),
    validBody(rotateSchema),
    // After the validator, which describes the body as required.
    describe({
      id: 'rotateSigningSecret',
      tag: 'Signing secret',
      summary: 'Make a new signing secret',
      description:
        'The one before signs as well while `overlap` lasts, so that receivers can follow. Five sign at most: one more ends the oldest at once.',
      requestBody: { required: false, content: {} },
      responses: { 200: json('Newest first.', answers.SigningSecrets, examples.rotatedSecrets) },
      problems: bodyProblems,
    }),
    async (c) => {
      const overlapMs = c.req.valid('json').overlap * 1000
      return c.json(secretsJson(await commands.rotateSigningSecret(c.get('owner').id, overlapMs)))
    },
  )
  return app
}
