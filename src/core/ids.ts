/**
 * Public ids. A row number carries its owner, an id carries generation and shard as well, so that no
 * look-up is needed to know where it lives (DESIGN §5). Opaque to users.
 */

/** Rows of one owner lie together in the table, newest last: one row written serves key and list order. */
const ownerSpan = 2 ** 40
/** Owner numbers stay below this so that every row number is a safe integer. */
export const ownersMax = 2 ** 13 - 1

export interface Place {
  generation: number
  shard: number
}

export interface RowId extends Place {
  row: number
}

export function isSamePlace(a: Place, b: Place): boolean {
  return a.generation === b.generation && a.shard === b.shard
}

export function ownerFloor(ownerId: number): number {
  return ownerId * ownerSpan
}

export function ownerOfRow(row: number): number {
  return Math.floor(row / ownerSpan)
}

/** @param nonce random text that keeps ids of one database from returning in the next; `[0-9a-z]*` */
export function encodeId(prefix: string, id: RowId, nonce = ''): string {
  return `${prefix}_${pad(id.generation, 2)}${pad(id.shard, 2)}${pad(id.row, 11)}${nonce}`
}

function pad(value: number, width: number): string {
  return value.toString(36).padStart(width, '0')
}

const idPattern = /^([a-z]+)_([0-9a-z]{2})([0-9a-z]{2})([0-9a-z]{11})([0-9a-z]*)$/

/** Null when `id` was not made by `encodeId` with this prefix. */
export function decodeId(prefix: string, id: string): (RowId & { nonce: string }) | null {
  const match = idPattern.exec(id)
  if (match === null || match[1] !== prefix) return null
  const [generation, shard, row] = [match[2], match[3], match[4]].map((part) =>
    Number.parseInt(part ?? '', 36),
  )
  if (generation === undefined || shard === undefined || row === undefined) return null
  return Number.isSafeInteger(row) ? { generation, shard, row, nonce: match[5] ?? '' } : null
}

/** @returns null unless `id` is of a row of this owner in this place; its nonce is for whoever reads the row to compare */
export function decodeOwnId(
  prefix: string,
  id: string,
  { ownerId, place }: { ownerId: number; place: Place },
): { row: number; nonce: string } | null {
  const decoded = decodeId(prefix, id)
  if (decoded === null || !isSamePlace(decoded, place)) return null
  return ownerOfRow(decoded.row) === ownerId ? decoded : null
}

/** The same on every attempt and redelivery: made from subscription and seq (CONTRACT §3). */
export function webhookId(subscriptionId: string, seq: number): string {
  return `msg_${subscriptionId.slice('sub_'.length)}_${seq}`
}
