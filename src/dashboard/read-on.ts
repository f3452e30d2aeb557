/** Lists of which few rows fit: a page of the dashboard is made from several of the API. */
import type { Api, Listed } from './api.ts'

/** For one answer; "Older" reads on. */
const pagesMax = 10
const rowsMin = 25

/** @param takes of what the API has no filter for */
export async function readOn<T>(
  api: Api,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  takes: (row: T) => boolean = () => true,
): Promise<{ rows: T[]; next: string | null }> {
  const rows: T[] = []
  let { cursor } = query
  for (let pages = 0; pages < pagesMax; pages++) {
    const page = await api.get<Listed<T>>(path, { ...query, cursor })
    rows.push(...page.data.filter(takes))
    cursor = page.next_cursor ?? undefined
    if (cursor === undefined || rows.length >= rowsMin) break
  }
  return { rows, next: cursor ?? null }
}
