/**
 * Pages of several shards as one list, newest first. A merged cursor carries the cursor of every shard that has
 * more; a shard that is not in it has been read to its end, or came later. Pure.
 */
import { isSamePlace, type Place } from '../core/ids.ts'

export interface ShardPage {
  place: Place
  /** What was asked for; null for the beginning. */
  asked: string | null
  data: readonly unknown[]
  nextCursor: string | null
  /** Of each row of `data`, and of what was not looked at, where the look was bounded. */
  positions: readonly { cursor: string; order: number }[]
  /** Of the page that begins with the first row of `data`: what is made after it was read stands on no page behind it. */
  start?: string | undefined
}

export interface ShardCursor {
  place: Place
  /** Null for the beginning. */
  cursor: string | null
}

/** @returns null for what is not a merged cursor of these places: without one that is gone the list would go on in part */
export function parseCursor(cursor: string, places: readonly Place[]): ShardCursor[] | null {
  if (!/^m([0-9a-z]{4}([a-z][0-9a-z]{1,11})?)(\.[0-9a-z]{4}([a-z][0-9a-z]{1,11})?)*$/.test(cursor))
    return null
  const entries = cursor
    .slice(1)
    .split('.')
    .map((entry) => ({
      place: { generation: number(entry.slice(0, 2)), shard: number(entry.slice(2, 4)) },
      cursor: entry.slice(4) || null,
    }))
  const areKnown = entries.every(({ place }) => places.some((other) => isSamePlace(place, other)))
  const distinct = new Set(entries.map(({ place }) => placeText(place)))
  return areKnown && distinct.size === entries.length ? entries : null
}

/**
 * The first `limit` rows of all pages together, or fewer: nothing goes before what a shard has not looked at, which may be
 * newer. Within a shard the shard's own order holds.
 */
export function mergePages(
  pages: readonly ShardPage[],
  limit: number,
): { data: unknown[]; nextCursor: string | null } {
  const taken = pages.map(() => 0)
  const data: unknown[] = []
  while (data.length < limit) {
    const next = newestHead(pages, taken)
    if (next === null || taken[next] === pages[next]!.data.length) break
    data.push(pages[next]!.data[taken[next]!])
    taken[next]!++
  }
  const rest = pages.flatMap((page, i) => restOf(page, taken[i]!))
  return { data, nextCursor: rest.length === 0 ? null : `m${rest.join('.')}` }
}

/** The page whose next row, or what it has not looked at, is the newest; null when all are at their end. */
function newestHead(pages: readonly ShardPage[], taken: readonly number[]): number | null {
  let best: number | null = null
  let order = Number.NEGATIVE_INFINITY
  pages.forEach((page, i) => {
    const head = page.positions[taken[i]!]
    if (head === undefined || head.order <= order) return
    best = i
    order = head.order
  })
  return best
}

function restOf(page: ShardPage, taken: number): string[] {
  const before = taken === 0 ? (page.asked ?? page.start ?? '') : page.positions[taken - 1]!.cursor
  const cursor = taken === page.data.length ? page.nextCursor : before
  if (cursor === null) return []
  return [`${placeText(page.place)}${cursor}`]
}

function placeText({ generation, shard }: Place): string {
  return `${generation.toString(36).padStart(2, '0')}${shard.toString(36).padStart(2, '0')}`
}

function number(text: string): number {
  return Number.parseInt(text, 36)
}
