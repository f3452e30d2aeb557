/** What the commands that list have in common: paging, `--json`, one of them by id. */
import { type Command, Option } from 'commander'
import { type ApiFlags, createApi, type Page, queryOf, withApiFlags } from './api.ts'
import { wholeNumber } from './arguments.ts'
import { printLine } from './output.ts'
import { type Cell, printJson, printTable } from './table.ts'

export interface ListFlags extends ApiFlags {
  limit?: number
  cursor?: string
  json?: true
}

export interface Listing<T> {
  path: string
  /** Filters of the query string. */
  filters?: Record<string, string | undefined>
  columns: readonly string[]
  row: (item: T) => readonly Cell[]
}

export function withListFlags(command: Command): Command {
  return withApiFlags(command)
    .option('--limit <number>', 'how many rows, 50 unless given', wholeNumber(1, 200))
    .option('--cursor <cursor>', 'the page that the one before named')
    .addOption(new Option('--json', "the API's answer as it is"))
}

/** One page as a table or, with `--json`, as it came. */
export async function showList<T>(flags: ListFlags, listing: Listing<T>): Promise<void> {
  const query = queryOf({ ...listing.filters, limit: flags.limit, cursor: flags.cursor })
  const page = (await createApi(flags).call('GET', `${listing.path}${query}`)) as Page<T>
  if (flags.json) return printJson(page)
  if (page.data.length === 0) return printLine('None.')
  printTable(listing.columns, page.data.map(listing.row))
  if (page.next_cursor !== null) printLine(`\nMore with --cursor ${page.next_cursor}`)
}

/** One thing, always as JSON: it has more than a row can hold. */
export async function showOne(flags: ApiFlags, path: string): Promise<void> {
  printJson(await createApi(flags).call('GET', path))
}
