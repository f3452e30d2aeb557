/** Probes, metrics and the public key: what operators and receivers ask, not owners. */
import type { Hono } from 'hono'
import * as v from 'valibot'
import { requireKey } from './auth.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { describe, json } from './describe.ts'
import { problem } from './problem.ts'

const KeySet = v.object({ keys: v.array(v.unknown()) })
/** The key of RFC 8037 appendix A.2, its thumbprint of A.3. */
const keySetExample = {
  keys: [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
      use: 'sig',
      alg: 'EdDSA',
      kid: 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k',
    },
  ],
}

const Status = v.object({ status: v.literal('ok') })

export function addSystemRoutes(app: Hono<HttpEnv>, deps: AppDeps): void {
  addProbes(app, deps)
  app.get(
    '/metrics',
    requireKey(deps),
    describe({
      id: 'metrics',
      tag: 'System',
      summary: 'Prometheus metrics',
      description: 'Of the whole relay, whoever asks: no owner, task or callback host is named.',
      responses: {
        200: { description: 'Prometheus text.', content: { 'text/plain': { schema: { type: 'string' } } } },
      },
      problems: ['not_found'],
    }),
    async (c) => {
      if (deps.metrics === undefined) throw problem('not_found', 'This Pollhook has no metrics.')
      const text = await deps.metrics()
      return c.body(text, 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' })
    },
  )
  app.get(
    '/.well-known/jwks.json',
    describe({
      id: 'jwks',
      tag: 'System',
      summary: 'The ed25519 public key of `v1a` signatures',
      description: 'Only where the relay has a `POLLHOOK_SIGNING_KEY`.',
      open: true,
      responses: { 200: json('A JSON Web Key Set (RFC 7517).', KeySet, keySetExample) },
      problems: ['not_found'],
    }),
    (c) => {
      const keys = deps.jwks()
      if (keys === null) throw problem('not_found', 'This Pollhook has no POLLHOOK_SIGNING_KEY.')
      return c.json(keys, 200, { 'cache-control': 'public, max-age=300' })
    },
  )
}

function addProbes(app: Hono<HttpEnv>, { commands }: AppDeps): void {
  app.get(
    '/healthz',
    describe({
      id: 'healthz',
      tag: 'System',
      summary: 'Does the process live?',
      description: 'Says nothing of the database or of upstream: restart it when this does not answer.',
      open: true,
      responses: { 200: json('Yes.', Status, { status: 'ok' }) },
    }),
    (c) => c.json({ status: 'ok' }),
  )
  app.get(
    '/readyz',
    describe({
      id: 'readyz',
      tag: 'System',
      summary: 'Is it migrated and polling?',
      description: '503 while it starts or drains: send it no requests then.',
      open: true,
      responses: { 200: json('Yes.', Status, { status: 'ok' }) },
      problems: ['unavailable'],
    }),
    (c) => {
      if (!commands.ready()) throw problem('unavailable', 'Pollhook is starting or draining.')
      return c.json({ status: 'ok' })
    },
  )
}
