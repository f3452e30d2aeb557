/** The whole REST API of CONTRACT §2 on Hono. Knows neither the engine nor the runtime: all comes in `deps`. */
import { Hono } from 'hono'
import { requireKey } from './auth.ts'
import { callbackRoutes } from './callbacks.ts'
import { deliveryRoutes } from './deliveries.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { addDocs } from './docs.ts'
import { endpointRoutes } from './endpoints.ts'
import { answerError } from './failures.ts'
import { identify } from './request-id.ts'
import { secretRoutes } from './secrets.ts'
import { subscriptionRoutes } from './subscriptions.ts'
import { addSystemRoutes } from './system.ts'
import { taskRoutes } from './tasks.ts'
import { answerUnmatched } from './unmatched.ts'

/** More routes may be added to the result until its first request. */
export function createApp(deps: AppDeps): Hono<HttpEnv> {
  const app = new Hono<HttpEnv>()
  app.use(identify(deps))
  app.use('/v1/*', requireKey(deps))
  app.route('/v1/subscriptions', subscriptionRoutes(deps))
  app.route('/v1/tasks', taskRoutes(deps))
  app.route('/v1/deliveries', deliveryRoutes(deps))
  app.route('/v1/endpoints', endpointRoutes(deps))
  app.route('/v1/signing-secret', secretRoutes(deps))
  app.route('/callbacks', callbackRoutes(deps))
  addSystemRoutes(app, deps)
  addDocs(app, deps)
  app.notFound(answerUnmatched(app))
  app.onError(answerError(deps.log))
  return app
}
