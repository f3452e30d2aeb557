/** Registrations on their way to the shards of their tokens (DESIGN §5). */
import type { Place } from '../core/ids.ts'
import { batchBytesMax, bodyBytesMax } from '../http/body.ts'
import { itemTexts } from '../shards/batch-items.ts'
import { placesOfToken } from '../shards/places.ts'
import { copyOf, type Fleet, readBody } from './fleet.ts'
import { answerJson, parseJson } from './lists.ts'
import { placeName } from './place.ts'

const batchMax = 1000
const tokenPattern = /^[a-f0-9]{32}$/

export async function register(fleet: Fleet, request: Request): Promise<Response> {
  const body = await readBody(request, bodyBytesMax)
  const token = tokenIn(parseJson(body))
  const place = token === null ? fleet.places[0]! : (await placesFor(fleet, [token])).get(token)!
  return fleet.ask(place, copyOf(request, { body }))
}

/** Each item stands alone, also when its shard cannot be reached. */
export async function registerBatch(fleet: Fleet, request: Request): Promise<Response> {
  const body = await readBody(request, batchBytesMax)
  const items = body.byteLength > batchBytesMax ? null : itemsIn(parseJson(body))
  // What is no batch, or too large, is refused by a shard, in its words.
  if (items === null) return fleet.ask(fleet.places[0]!, copyOf(request, { body }))
  const places = await placesFor(
    fleet,
    items.map(tokenIn).filter((token) => token !== null),
  )
  const groups = new Map<string, { place: Place; indexes: number[] }>()
  items.forEach((item, index) => {
    const token = tokenIn(item)
    const place = (token === null ? undefined : places.get(token)) ?? fleet.places[0]!
    const group = groups.get(placeName(place)) ?? { place, indexes: [] }
    groups.set(placeName(place), group)
    group.indexes.push(index)
  })
  const texts = itemTexts(new TextDecoder().decode(body))
  const results: unknown[] = []
  const parts = [...groups.values()].map(async ({ place, indexes }) => {
    const part = `{"subscriptions":[${indexes.map((index) => texts[index]).join()}]}`
    const answer = await fleet.ask(place, copyOf(request, { body: part }))
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
  const isBatch = Array.isArray(items) && items.length >= 1 && items.length <= batchMax
  return isBatch && Object.keys(body).length === 1 ? items : null
}

function tokenIn(item: unknown): string | null {
  const token = (item as { task_token?: unknown } | null)?.task_token
  return typeof token === 'string' && tokenPattern.test(token) ? token : null
}

/** A token that an older generation has not finished stays there; the oldest is asked first. */
export async function placesFor(fleet: Fleet, tokens: readonly string[]): Promise<Map<string, Place>> {
  const places = new Map<string, Place>()
  const { shards: generations } = fleet.config
  for (const generation of generations.slice(1).reverse()) {
    const byShard = new Map<number, string[]>()
    for (const token of tokens.filter((one) => !places.has(one))) {
      const { shard } = placesOfToken([generation], token)[0]!
      byShard.set(shard, [...(byShard.get(shard) ?? []), token])
    }
    const asked = [...byShard].map(async ([shard, some]) => {
      const place = { generation: generation.generation, shard }
      for (const token of await fleet.shard(place).holding(some)) places.set(token, place)
    })
    await Promise.all(asked)
  }
  for (const token of tokens) if (!places.has(token)) places.set(token, placesOfToken(generations, token)[0]!)
  return places
}
