/** Registrations on their way to the shards of their tokens (DESIGN §5). */
import type { Place } from '../core/ids.ts'
import { taskTokenPattern } from '../core/task-token.ts'
import { batchBytesMax, bodyBytesMax } from '../http/body.ts'
import { subscriptionsPerBatchMax } from '../http/schemas.ts'
import { itemTexts } from '../shards/batch-items.ts'
import { placesOfToken } from '../shards/places.ts'
import { answerJson, copyOf, type Fleet, jsonOrNull, readBody, unavailable } from './fleet.ts'
import { placeName } from './place.ts'

export async function register(fleet: Fleet, request: Request): Promise<Response> {
  const body = await readBody(request, bodyBytesMax)
  const token = tokenIn(jsonOrNull(body))
  const place = token === null ? fleet.first : (await placesFor(fleet, [token])).get(token)
  return askAt(fleet, place, copyOf(request, { body }))
}

/** Each item stands alone, also when its shard cannot be reached. */
export async function registerBatch(fleet: Fleet, request: Request): Promise<Response> {
  const body = await readBody(request, batchBytesMax)
  const items = body.byteLength > batchBytesMax ? null : itemsIn(jsonOrNull(body))
  // What is no batch, or too large, is refused by a shard, in its words.
  if (items === null) return fleet.ask(fleet.first, copyOf(request, { body }))
  const places = await placesFor(
    fleet,
    items.map(tokenIn).filter((token) => token !== null),
  )
  const groups = new Map<string, { place: Place | undefined; indexes: number[] }>()
  items.forEach((item, index) => {
    const token = tokenIn(item)
    const place = token === null ? fleet.first : places.get(token)
    const name = place === undefined ? '' : placeName(place)
    const group = groups.get(name) ?? { place, indexes: [] }
    groups.set(name, group)
    group.indexes.push(index)
  })
  const texts = itemTexts(new TextDecoder().decode(body))
  const results: unknown[] = []
  const parts = [...groups.values()].map(async ({ place, indexes }) => {
    const part = `{"subscriptions":[${indexes.map((index) => texts[index]).join()}]}`
    const answer = await askAt(fleet, place, copyOf(request, { body: part }))
    const json = await answer.json<{ results?: unknown[] }>()
    indexes.forEach((index, i) => {
      results[index] = json.results?.[i] ?? { status: answer.status, problem: json }
    })
    return { answer, json }
  })
  return joined(await Promise.all(parts), results)
}

/** One answer of all parts. A refusal of the request itself, such as 401 or 415, every part got alike. */
function joined(parts: readonly { answer: Response; json: unknown }[], results: unknown[]): Response {
  const first = parts[0]!
  const refuses = parts.every(({ answer: { status } }) => status >= 400 && status < 500)
  if (refuses) return answerJson(first.answer, first.json)
  const { headers } = (parts.find(({ answer }) => answer.ok) ?? first).answer
  const answer = answerJson(new Response(null, { headers }), { results })
  answer.headers.set('content-type', 'application/json')
  return answer
}

function itemsIn(body: unknown): unknown[] | null {
  if (typeof body !== 'object' || body === null) return null
  const { subscriptions: items } = body as { subscriptions?: unknown }
  const isBatch = Array.isArray(items) && items.length >= 1 && items.length <= subscriptionsPerBatchMax
  return isBatch && Object.keys(body).length === 1 ? items : null
}

function tokenIn(item: unknown): string | null {
  const token = (item as { task_token?: unknown } | null)?.task_token
  return typeof token === 'string' && taskTokenPattern.test(token) ? token : null
}

/** 503 where it is not known which shard is to be asked. */
export async function askAt(fleet: Fleet, place: Place | undefined, request: Request): Promise<Response> {
  if (place !== undefined) return fleet.ask(place, request)
  return unavailable(request)
}

/**
 * A token that an older generation has not finished stays there; the oldest is asked first.
 * @returns without the tokens of an older shard that cannot be reached: elsewhere they might be registered twice
 */
export async function placesFor(fleet: Fleet, tokens: readonly string[]): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  const unknown = new Set<string>()
  const { shards: generations } = fleet.config
  for (const generation of generations.slice(1).reverse()) {
    // A thousand of a batch may be of one task.
    const left = new Set(tokens.filter((one) => !places.has(one) && !unknown.has(one)))
    const byShard = Map.groupBy(left, (token) => placesOfToken([generation], token)[0]!.shard)
    const asked = [...byShard].map(async ([shard, some]) => {
      const place = { generation: generation.generation, shard }
      const held = await heldAt(fleet, place, some)
      if (held === null) for (const token of some) unknown.add(token)
      else for (const token of held) places.set(token, place)
    })
    await Promise.all(asked)
  }
  for (const token of tokens) {
    if (!places.has(token) && !unknown.has(token)) places.set(token, placesOfToken(generations, token)[0]!)
  }
  return places
}

/** Which of the tokens are polled there; null when it cannot be reached. */
async function heldAt(fleet: Fleet, place: Place, tokens: string[]): Promise<string[] | null> {
  try {
    return await fleet.shard(place).holding(tokens)
  } catch (error) {
    fleet.log.error('a shard did not answer', { shard: placeName(place), error })
    return null
  }
}
