/** Cursors: opaque to users, the letter of their list and a row number within. A page reads one row more to know whether one follows. */
import type { Page } from './records.ts'

export interface Pages {
  /**
   * The number that the rows behind the cursor are below, and `ceiling` as well, as are all without a cursor.
   * @throws an Error named `InvalidCursorError`
   */
  below(cursor: string | null, ceiling?: number): number
  /** @param behind the newest row that was not looked at, where the look was bounded */
  page<Row, T>(
    rows: readonly Row[],
    limit: number,
    position: (row: Row) => RowPosition,
    view: (row: Row) => T,
    behind?: () => RowPosition | null,
  ): Page<T>
}

/** Where a row stands in its list. */
export interface RowPosition {
  row: number
  /** As of `PagePosition`. */
  order: number
}

/** A list takes the cursors of no other: their rows are others, and a page from there would look like one of its own. */
export function pagesOf(list: 'subscriptions' | 'tasks' | 'deliveries' | 'endpoints'): Pages {
  const letter = list.charAt(0)
  const pattern = new RegExp(`^${letter}[0-9a-z]{1,11}$`)
  const cursorOf = (row: number) => letter + row.toString(36)

  return {
    below(cursor, ceiling = Number.MAX_SAFE_INTEGER) {
      if (cursor === null) return ceiling
      const row = pattern.test(cursor) ? Number.parseInt(cursor.slice(1), 36) : Number.NaN
      if (Number.isSafeInteger(row)) return Math.min(row, ceiling)
      const error = new Error('the cursor is not one that the list answered')
      error.name = 'InvalidCursorError'
      throw error
    },

    page(rows, limit, position, view, behind = () => null) {
      const shown = rows.slice(0, limit)
      const places = shown.map(position)
      const positions = places.map(({ row, order }) => ({ cursor: cursorOf(row), order }))
      const more = rows.length > limit
      const rest = more ? null : behind()
      if (rest !== null) positions.push({ cursor: cursorOf(rest.row + 1), order: rest.order })
      const nextCursor = more || rest !== null ? (positions.at(-1)?.cursor ?? null) : null
      const [first] = places
      const start = first === undefined ? {} : { start: cursorOf(first.row + 1) }
      return { data: shown.map(view), nextCursor, positions, ...start }
    },
  }
}
