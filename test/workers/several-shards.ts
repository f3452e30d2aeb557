/** The router over several shards, of one generation or of two, and what a test finds through it. */
import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import { decodeId } from '../../src/core/ids.ts'
import { type Call, json, newToken, routerOver, senderTo } from './world.ts'

export const old = routerOver('1:2')
export const both = routerOver('2:3,1:2')
export const send = senderTo('2:3,1:2')

export interface Subscription {
  id: string
  task_token: string
  state: string
}
export interface Page<T> {
  data: T[]
  next_cursor: string | null
}

const callbackUrl = 'https://app.example.com/hooks'
export const registration = (token = newToken()) => ({ task_token: token, callback_url: callbackUrl })

export async function register(router: Call, token = newToken()): Promise<Subscription> {
  const response = await router('POST', '/v1/subscriptions', registration(token))
  expect(response.status).toBe(201)
  return json(response)
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
