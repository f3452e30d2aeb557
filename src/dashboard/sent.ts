/** What a form of the dashboard sent: read within its limit, and a caller who breaks off is no failure. */
import type { Context } from 'hono'
import { bodyBytesMax, formOf, readBody } from '../http/body.ts'
import { problem } from '../http/problem.ts'
import type { DashboardEnv } from './deps.ts'

/** @throws body_too_large, invalid_request as problems */
export async function sentFields(c: Context<DashboardEnv>): Promise<Readonly<Record<string, string>>> {
  const bytes = await readBody(c, bodyBytesMax)
  if (bytes === null) throw problem('body_too_large', 'The form is too large.')
  const form = await formOf(c, bytes)
  if (form === null) throw problem('invalid_request', 'The form cannot be read.')
  return Object.fromEntries(form)
}
