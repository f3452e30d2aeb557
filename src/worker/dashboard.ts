/** The dashboard in front of the shards: its pages call the API through the router, as any client does. */
import idiomorph from 'idiomorph/dist/idiomorph.min.js'
import { createDashboard, withDashboard } from '../dashboard/app.ts'
import type { Fleet } from './fleet.ts'
import { route } from './router.ts'

type Handler = (request: Request) => Response | Promise<Response>

const handlers = new WeakMap<Fleet, Handler>()

export async function answer(fleet: Fleet, request: Request): Promise<Response> {
  let handler = handlers.get(fleet)
  if (handler === undefined) {
    handler = createHandler(fleet)
    handlers.set(fleet, handler)
  }
  return handler(request)
}

function createHandler(fleet: Fleet): Handler {
  const api = (request: Request) => route(fleet, request)
  const dashboard = createDashboard({
    api,
    // A shard is another object: others have their turn while it is asked.
    turn: async () => {},
    sessions: fleet.sessions,
    now: Date.now,
    requestId: () => crypto.randomUUID(),
    log: fleet.log,
    idiomorph: async () => idiomorph,
  })
  return withDashboard(dashboard, api)
}
