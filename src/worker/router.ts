/** Which shard, or shards, a request goes to (DESIGN §5). Judges nothing: a shard answers what is refused. */
import { getPath } from 'hono/utils/url'
import { bodyBytesMax } from '../http/body.ts'
import { problemResponse, thrownProblem } from '../http/problem.ts'
import { isSafeId } from '../http/request-id.ts'
import { placeOfId, placesOfToken } from '../shards/places.ts'
import { copyOf, type Fleet, readBody, unavailable } from './fleet.ts'
import { answerEndpoints, answerList, answerMetrics, redeliverMany } from './lists.ts'
import { askAt, placesFor, register, registerBatch } from './registrations.ts'

/** Never rejects. */
export async function route(fleet: Fleet, incoming: Request): Promise<Response> {
  const given = incoming.headers.get('x-request-id')
  const requestId = isSafeId(given) ? given : crypto.randomUUID()
  // All parts of one request are logged under one id.
  const request = new Request(incoming)
  request.headers.set('x-request-id', requestId)
  try {
    const answer = await dispatch(fleet, request)
    return request.method === 'HEAD' ? new Response(null, answer) : answer
  } catch (error) {
    const known = error instanceof Error ? thrownProblem(error) : null
    if (known !== null) return problemResponse(known, requestId)
    fleet.log.error('a request was lost between shards', { request_id: requestId, error })
    return unavailable(request)
  }
}

function dispatch(fleet: Fleet, request: Request): Promise<Response> {
  // As the routes of a shard read it: the same call may be spelled with %-escapes.
  const pathname = getPath(request)
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const call = `${isRead ? 'GET' : request.method} ${pathname}`
  if (call === 'POST /callbacks/qencode') return passHint(fleet, request)
  if (fleet.places.length === 1) return fleet.ask(fleet.first, request)
  if (!fleet.mayHaveOwner(request)) return fleet.ask(fleet.first, request)
  switch (call) {
    case 'POST /v1/subscriptions':
      return register(fleet, request)
    case 'POST /v1/subscriptions/batch':
      return registerBatch(fleet, request)
    case 'GET /v1/subscriptions':
    case 'GET /v1/tasks':
    case 'GET /v1/deliveries':
      return answerList(fleet, request)
    case 'GET /v1/endpoints':
      return answerEndpoints(fleet, request)
    case 'POST /v1/deliveries/redeliver':
      return redeliverMany(fleet, request)
    case 'GET /metrics':
      return answerMetrics(fleet, request)
  }
  const token = /^\/v1\/tasks\/([a-f0-9]{32})(\/events)?$/.exec(pathname)?.[1]
  if (token !== undefined && isRead) return readTask(fleet, request, token)
  const id = /^\/v1\/(?:subscriptions|deliveries)\/([^/]+)/.exec(pathname)?.[1]
  const place = id === undefined ? null : placeOfId(fleet.config.shards, id)
  return fleet.ask(place ?? fleet.first, request)
}

/** Unfinished in an older generation, else in the newest that knows it. */
async function readTask(fleet: Fleet, request: Request, token: string): Promise<Response> {
  const first = (await placesFor(fleet, [token])).get(token)
  let answer = await askAt(fleet, first, copyOf(request, {}))
  for (const place of placesOfToken(fleet.config.shards, token)) {
    if (answer.status !== 404) break
    if (place.generation !== first?.generation) answer = await fleet.ask(place, copyOf(request, {}))
  }
  return answer
}

/**
 * A hint to a shard that does not know the token does nothing, so every generation gets it. Whoever sends one is told nothing
 * (CONTRACT §2), also where no shard answers.
 */
async function passHint(fleet: Fleet, request: Request): Promise<Response> {
  const body = await readBody(request, bodyBytesMax)
  const headers = { 'content-type': request.headers.get('content-type') ?? '' }
  const form = await new Response(body, { headers }).formData().catch(() => null)
  const token = form?.get('task_token')
  const places = typeof token === 'string' ? placesOfToken(fleet.config.shards, token) : [fleet.first]
  const answers = await Promise.all(places.map((place) => fleet.ask(place, copyOf(request, { body }))))
  const requestId = request.headers.get('x-request-id') ?? ''
  const told = answers.find(({ status }) => status === 204)
  return told ?? new Response(null, { status: 204, headers: { 'x-request-id': requestId } })
}
