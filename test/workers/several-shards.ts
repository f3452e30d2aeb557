/** The router over several shards, of one generation or of two, and what a test finds through it. */
import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import { decodeId } from '../../src/core/ids.ts'
import { type Generation, placesOfToken } from '../../src/shards/places.ts'
import { type Call, json, newToken, routerOver, senderTo } from './world.ts'

export const old = routerOver('1:2')
export const both = routerOver('2:3,1:2')
/** Of those that `both` knows. */
export const newest: Generation = { generation: 2, shards: 3 }
export const oldest: Generation = { generation: 1, shards: 2 }
export const send = senderTo('2:3,1:2')

export interface Page<T> {
  data: T[]
  next_cursor: string | null
}

/** A new token of this shard. */
export function tokenOf(generation: Generation, shard: number): string {
  const token = newToken()
  return placesOfToken([generation], token)[0]?.shard === shard ? token : tokenOf(generation, shard)
}

export function placeOf(id: string): string {
  const place = decodeId('sub', id)
  return `${place?.generation}:${place?.shard}`
}

export async function listAll<T>(router: Call, path: string, limit: number): Promise<T[]> {
  const all: T[] = []
  for (let cursor = ''; ; ) {
    const page = await json<Page<T>>(router('GET', `${path}?limit=${limit}${cursor}`))
    expect(page.data.length).toBeLessThanOrEqual(limit)
    all.push(...page.data)
    if (page.next_cursor === null) return all
    cursor = `&cursor=${page.next_cursor}`
  }
}

export function shardAt(place: string) {
  return env.SHARDS.get(env.SHARDS.idFromName(place))
}
