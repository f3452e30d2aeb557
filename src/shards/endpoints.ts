/**
 * One endpoint as several shards see it: `ep_` ids are the same everywhere, health and backlog are each shard's
 * own. Works on the JSON of the API and on records alike: their values compare in the same way. Pure.
 */
import type { EndpointRecord } from '../store/records.ts'

/** The fields of CONTRACT §2, "Endpoint". */
export interface EndpointJson {
  id: string
  state: string
  failing_since: string | null
  last_success_at: string | null
  backlog: number
  oldest_waiting_at: string | null
  retry_after_until: string | null
}

type Comparable = string | number

export function mergeRecords(a: EndpointRecord, b: EndpointRecord): EndpointRecord {
  return {
    ...a,
    state: worse(a.state, b.state),
    failingSince: earliest(a.failingSince, b.failingSince),
    lastSuccessAt: latest(a.lastSuccessAt, b.lastSuccessAt),
    backlog: a.backlog + b.backlog,
    oldestWaitingAt: earliest(a.oldestWaitingAt, b.oldestWaitingAt),
    retryAfterUntil: latest(a.retryAfterUntil, b.retryAfterUntil),
  }
}

function mergeJson<T extends EndpointJson>(a: T, b: T): T {
  return {
    ...a,
    state: worse(a.state, b.state),
    failing_since: earliest(a.failing_since, b.failing_since),
    last_success_at: latest(a.last_success_at, b.last_success_at),
    backlog: a.backlog + b.backlog,
    oldest_waiting_at: earliest(a.oldest_waiting_at, b.oldest_waiting_at),
    retry_after_until: latest(a.retry_after_until, b.retry_after_until),
  }
}

export interface Placed<T> {
  endpoint: T
  /** When its shard met it. The endpoint stands in the list where the first shard met it, however many do later. */
  order: number
}

const cursorPattern = /^e([0-9a-z]{1,11})\.(ep_[0-9a-z]{1,64})$/

/** @returns null for what is not a cursor of this list */
export function parseEndpointCursor(cursor: string): { order: number; id: string } | null {
  const match = cursorPattern.exec(cursor)
  return match === null ? null : { order: Number.parseInt(match[1]!, 36), id: match[2]! }
}

/** One page of what all shards list, newest first. */
export function mergeEndpoints<T extends EndpointJson>(
  all: readonly Placed<T>[],
  after: { order: number; id: string } | null,
  limit: number,
): { data: T[]; nextCursor: string | null } {
  const byId = new Map<string, Placed<T>>()
  for (const one of all) {
    const other = byId.get(one.endpoint.id)
    byId.set(one.endpoint.id, other === undefined ? one : merge(other, one))
  }
  const sorted = [...byId.values()].sort((a, b) => compare(key(a), key(b)))
  const rest = after === null ? sorted : sorted.filter((one) => compare(key(one), after) > 0)
  const shown = rest.slice(0, limit)
  const last = shown.at(-1)
  const more = rest.length > limit && last !== undefined
  return {
    data: shown.map(({ endpoint }) => endpoint),
    nextCursor: more ? `e${last.order.toString(36)}.${last.endpoint.id}` : null,
  }
}

function merge<T extends EndpointJson>(a: Placed<T>, b: Placed<T>): Placed<T> {
  return { endpoint: mergeJson(a.endpoint, b.endpoint), order: Math.min(a.order, b.order) }
}

function key({ order, endpoint }: Placed<EndpointJson>): { order: number; id: string } {
  return { order, id: endpoint.id }
}

/** Newest first, ids where that is the same. */
function compare(a: { order: number; id: string }, b: { order: number; id: string }): number {
  if (a.order !== b.order) return b.order - a.order
  if (a.id === b.id) return 0
  return a.id < b.id ? 1 : -1
}

function worse<T extends string>(a: T, b: T): T {
  return b === 'failing' ? b : a
}

function earliest<T extends Comparable>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}

function latest<T extends Comparable>(a: T | null, b: T | null): T | null {
  if (a === null || b === null) return a ?? b
  return a > b ? a : b
}
