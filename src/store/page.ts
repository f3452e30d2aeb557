/** Cursors: opaque to users, a row number within. A page reads one row more to know whether one follows. */
import type { Page } from './records.ts'

function cursorOf(row: number): string {
  return `c${row.toString(36)}`
}

/** @throws an Error named `InvalidCursorError`; without a cursor, a number above every row */
export function rowOfCursor(cursor: string | null): number {
  if (cursor === null) return Number.MAX_SAFE_INTEGER
  const row = /^c[0-9a-z]{1,11}$/.test(cursor) ? Number.parseInt(cursor.slice(1), 36) : Number.NaN
  if (Number.isSafeInteger(row)) return row
  const error = new Error('the cursor is not one that a list answered')
  error.name = 'InvalidCursorError'
  throw error
}

/** Where a row stands in its list. */
export interface RowPosition {
  row: number
  /** As of `PagePosition`. */
  order: number
}

/** @param behind the newest row that was not looked at, where the look was bounded */
export function pageOf<Row, T>(
  rows: readonly Row[],
  limit: number,
  position: (row: Row) => RowPosition,
  view: (row: Row) => T,
  behind: () => RowPosition | null = () => null,
): Page<T> {
  const shown = rows.slice(0, limit)
  const positions = shown.map((row) => {
    const { row: number, order } = position(row)
    return { cursor: cursorOf(number), order }
  })
  const more = rows.length > limit
  const rest = more ? null : behind()
  if (rest !== null) positions.push({ cursor: cursorOf(rest.row + 1), order: rest.order })
  const nextCursor = more || rest !== null ? (positions.at(-1)?.cursor ?? null) : null
  const [first] = shown
  const start = first === undefined ? {} : { start: cursorOf(position(first).row + 1) }
  return { data: shown.map(view), nextCursor, positions, ...start }
}
