/** Which shard owns a task token or an id (DESIGN §5). Pure; knows no Durable Objects. */
import { decodeId, type Place } from '../core/ids.ts'

export interface Generation {
  generation: number
  shards: number
}

/** Every shard of every generation, in the order of `generations`: newest first. */
export function allPlaces(generations: readonly Generation[]): Place[] {
  return generations.flatMap(({ generation, shards }) =>
    Array.from({ length: shards }, (_, shard) => ({ generation, shard })),
  )
}

/** The place of a token in each generation, newest first: all that can hold it. */
export function placesOfToken(generations: readonly Generation[], token: string): Place[] {
  return generations.map(({ generation, shards }) => ({ generation, shard: hash(token) % shards }))
}

/** Where a subscription or delivery lives; null for what is no id, or of a generation that is not listed. */
export function placeOfId(generations: readonly Generation[], id: string): Place | null {
  const decoded = decodeId('sub', id) ?? decodeId('dlv', id)
  if (decoded === null) return null
  const { generation, shard } = decoded
  const listed = generations.some((one) => one.generation === generation && shard < one.shards)
  return listed ? { generation, shard } : null
}

/** FNV-1a and a finalizer, as its low bits alone are weak. It must never change: ids and tokens live by it. */
function hash(token: string): number {
  let state = 0x811c9dc5
  for (let i = 0; i < token.length; i++) state = Math.imul(state ^ token.charCodeAt(i), 0x01000193)
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
  return (state ^ (state >>> 16)) >>> 0
}
