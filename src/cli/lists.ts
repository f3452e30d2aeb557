/** What the commands that list have in common: paging, `--json`, one of them by id. */
import { type Command, Option } from 'commander'
import { type ApiFlags, answeredWithout, createApi, type Page, queryOf, withApiFlags } from './api.ts'
import { wholeNumber } from './arguments.ts'
import { printLine } from './output.ts'
import { type Cell, printJson, printTable } from './table.ts'

const limitDefault = 50

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
    .option('--limit <number>', `how many rows, ${limitDefault} unless given`, wholeNumber(1, 200))
    .option('--cursor <cursor>', 'the page that the one before named')
    .addOption(new Option('--json', 'what the API answers'))
}

/** One page as a table or, with `--json`, as the API answers it. */
export async function showList<T>(flags: ListFlags, listing: Listing<T>): Promise<void> {
  const page = await readPage(flags, listing)
  if (flags.json) return printJson(page)
  if (page.data.length === 0) return printLine('None.')
  printTable(listing.columns, page.data.map(listing.row))
  if (page.next_cursor !== null) printLine(`\nMore with --cursor ${page.next_cursor}`)
}

/** One thing, always as JSON: it has more than a row can hold. */
export async function showOne(flags: ApiFlags, path: string): Promise<void> {
  const one = (await createApi(flags).call('GET', path)) as { id: string } | null
  if (typeof one?.id !== 'string') throw answeredWithout('id', path, flags)
  printJson(one)
}

/** Under a filter a relay with very many rows answers what it found so far: it is asked on until the page is full. */
async function readPage<T>(flags: ListFlags, { path, filters }: Listing<T>): Promise<Page<T>> {
  const api = createApi(flags)
  const wanted = flags.limit ?? limitDefault
  const data: T[] = []
  let cursor = flags.cursor
  do {
    const query = queryOf({ ...filters, limit: wanted - data.length, cursor })
    const page = (await api.call('GET', `${path}${query}`)) as Page<T> | null
    if (!Array.isArray(page?.data)) throw answeredWithout('list', path, flags)
    data.push(...page.data)
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined && data.length < wanted)
  return { data, next_cursor: cursor ?? null }
}
