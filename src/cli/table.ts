/** Lists for people: columns as wide as they need, one row per line. */
import { colorsFor, jsonText, printable, printLine } from './output.ts'

export type Cell = string | number | boolean | null | undefined

/** @param rows what each column shows, in the order of `columns` */
export function printTable(columns: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const { dim } = colorsFor(process.stdout)
  const cells = rows.map((row) => row.map(cellText))
  const widths = columns.map((name, index) =>
    Math.max(name.length, ...cells.map((row) => row[index]?.length ?? 0)),
  )
  const lineOf = (row: readonly string[]) =>
    row
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd()
  printLine(dim(lineOf(columns)))
  for (const row of cells) printLine(lineOf(row))
}

export function printJson(value: unknown): void {
  printLine(jsonText(value, 2))
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined || cell === '') return '–'
  return printable(String(cell))
}
