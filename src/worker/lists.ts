/** What only all shards together can answer: lists, endpoints, redelivery by filter, metrics. */
import { getPath } from 'hono/utils/url'
import type { Place } from '../core/ids.ts'
import { bodyBytesMax } from '../http/body.ts'
import { limitDefault, limitMax } from '../http/query-schemas.ts'
import { positionsHeader } from '../http/representations.ts'
import { type EndpointJson, mergeEndpoints, type Placed, parseEndpointCursor } from '../shards/endpoints.ts'
import { mergeMetrics } from '../shards/metrics.ts'
import { mergePages, parseCursor, type ShardCursor } from '../shards/pages.ts'
import { placeOfId, placesOfToken } from '../shards/places.ts'
import { answerJson, copyOf, type Fleet, jsonOrNull, readBody } from './fleet.ts'
import { placeName } from './place.ts'

interface PageJson<T = unknown> {
  data: T[]
  next_cursor: string | null
  positions: { cursor: string; order: number }[]
  start?: string
}

export async function answerList(fleet: Fleet, request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url)
  if (isGivenTwice(searchParams)) return fleet.ask(fleet.first, request)
  const cursor = searchParams.get('cursor')
  const places = placesOf(fleet, getPath(request), searchParams)
  const cursors =
    cursor === null ? places.map((place) => ({ place, cursor: null })) : parseCursor(cursor, places)
  // A shard says what is wrong with a cursor.
  if (cursors === null || cursors.length === 0) return refused(fleet, request)
  const answers = await Promise.all(
    cursors.map((one) => askPage(fleet, request, one, searchParams.get('limit'))),
  )
  const pages = []
  for (const { response, asked } of answers) {
    if (!response.ok) return response
    const { data, next_cursor: nextCursor, positions, start } = await response.json<PageJson>()
    pages.push({ place: asked.place, asked: asked.cursor, data, nextCursor, positions, start })
  }
  const { data, nextCursor } = mergePages(pages, Number(searchParams.get('limit') ?? limitDefault))
  return answerJson(answers[0]!.response, { data, next_cursor: nextCursor })
}

/** Of what is asked of the shards anew for each page, which would hide that. A shard says what is wrong. */
function isGivenTwice(query: URLSearchParams): boolean {
  return ['limit', 'cursor'].some((name) => query.getAll(name).length > 1)
}

/** All shards, or those that can have what is asked for. What is no filter of the list is overlooked, as by a shard. */
function placesOf({ config, places, first }: Fleet, path: string, query: URLSearchParams): readonly Place[] {
  const id = path === '/v1/deliveries' ? query.get('subscription_id') : null
  const token = path === '/v1/subscriptions' ? query.get('task_token') : null
  if (id !== null) return [placeOfId(config.shards, id) ?? first]
  return token === null ? places : placesOfToken(config.shards, token)
}

async function askPage(fleet: Fleet, request: Request, asked: ShardCursor, limit: string | null) {
  const url = new URL(request.url)
  url.searchParams.delete('cursor')
  if (asked.cursor !== null) url.searchParams.set('cursor', asked.cursor)
  if (limit !== null) url.searchParams.set('limit', limit)
  const headers = { [positionsHeader]: '1' }
  return {
    asked,
    response: await fleet.ask(asked.place, copyOf(request, { url: url.href, method: 'GET', headers })),
  }
}

function refused(fleet: Fleet, request: Request): Promise<Response> {
  const url = new URL(request.url)
  url.searchParams.set('cursor', '-')
  return fleet.ask(fleet.first, copyOf(request, { url: url.href }))
}

/** Endpoints have one row in each shard, so every page is made from all of them. */
export async function answerEndpoints(fleet: Fleet, request: Request): Promise<Response> {
  const { searchParams } = new URL(request.url)
  if (isGivenTwice(searchParams)) return fleet.ask(fleet.first, request)
  const cursor = searchParams.get('cursor')
  const after = cursor === null ? null : parseEndpointCursor(cursor)
  if (cursor !== null && after === null) return refused(fleet, request)
  // A shard says what is wrong with a limit.
  const first = await fleet.ask(fleet.first, withoutCursor(request))
  if (!first.ok) return first
  const all = await Promise.all(fleet.places.map((place) => everyEndpoint(fleet, request, place)))
  const failed = all.find((one) => one instanceof Response)
  if (failed !== undefined) return failed
  const placed = all.flatMap((one) => (one instanceof Response ? [] : one))
  const { data, nextCursor } = mergeEndpoints(
    placed,
    after,
    Number(searchParams.get('limit') ?? limitDefault),
  )
  return answerJson(first, { data, next_cursor: nextCursor })
}

function withoutCursor(request: Request): Request {
  const url = new URL(request.url)
  url.searchParams.delete('cursor')
  return copyOf(request, { url: url.href, method: 'GET' })
}

async function everyEndpoint(
  fleet: Fleet,
  request: Request,
  place: Place,
): Promise<Placed<EndpointJson>[] | Response> {
  const all: Placed<EndpointJson>[] = []
  for (let cursor: string | null = null; ; ) {
    const asked = { place, cursor }
    const { response } = await askPage(fleet, request, asked, String(limitMax))
    if (!response.ok) return response
    const page = await response.json<PageJson<EndpointJson>>()
    all.push(...page.data.map((endpoint, i) => ({ endpoint, order: page.positions[i]?.order ?? 0 })))
    if (page.next_cursor === null) return all
    cursor = page.next_cursor
  }
}

export async function redeliverMany(fleet: Fleet, request: Request): Promise<Response> {
  const body = await readBody(request, bodyBytesMax)
  const id = subscriptionIdIn(body)
  const place = id === null ? null : placeOfId(fleet.config.shards, id)
  const places = id === null ? fleet.places : [place ?? fleet.first]
  const answers = await Promise.all(places.map((one) => fleet.ask(one, copyOf(request, { body }))))
  let count = 0
  for (const answer of answers) {
    if (!answer.ok) return answer
    count += (await answer.json<{ count: number }>()).count
  }
  return answerJson(answers[0]!, { count })
}

function subscriptionIdIn(body: Uint8Array): string | null {
  const parsed = jsonOrNull(body) as { subscription_id?: unknown } | null
  return typeof parsed?.subscription_id === 'string' ? parsed.subscription_id : null
}

/** Of a shard that does not answer it says that it is not ready: what the others tell is needed then most of all. */
export async function answerMetrics(fleet: Fleet, request: Request): Promise<Response> {
  const answers = await Promise.all(fleet.places.map((place) => fleet.ask(place, copyOf(request, {}))))
  const told = answers.find((answer) => answer.ok)
  const refusal = answers.find(({ status }) => status < 500 && status >= 400)
  if (told === undefined || refusal !== undefined) return refusal ?? answers[0]!
  const texts = answers.map((answer, i) =>
    answer.ok
      ? answer.text()
      : `# TYPE pollhook_ready gauge\npollhook_ready{shard="${placeName(fleet.places[i]!)}"} 0\n`,
  )
  return new Response(mergeMetrics(await Promise.all(texts)), told)
}
