/** Calls a running relay's REST API as its user would. Knows URLs, the key and how answers look; no noun. */
import { type Command, Option } from 'commander'
import { httpUrl } from './arguments.ts'
import { printable } from './output.ts'

export interface ApiFlags {
  url: string
  key?: string
}

export interface Api {
  /** Of the relay, as it was given. */
  url: string
  /**
   * @returns the parsed answer; null for 204
   * @throws an Error whose message says what to do, with the problem's `code` (RFC 9457) where there is one
   */
  call(method: string, path: string, body?: object): Promise<unknown>
  /** The raw answer, for streams. @throws as `call` */
  open(path: string, signal?: AbortSignal): Promise<Response>
}

/** A page of any list (CONTRACT §2). */
export interface Page<T> {
  data: T[]
  next_cursor: string | null
}

const timeoutMs = 30_000

export function withApiFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--url <url>', 'of the relay')
        .env('POLLHOOK_URL')
        .argParser(httpUrl)
        .default('http://127.0.0.1:8080'),
    )
    .addOption(new Option('--key <key>', 'API key; as a variable it stays out of ps').env('POLLHOOK_KEY'))
}

/** @throws when there is no key, or one that no relay can have */
export function createApi({ url, key: given = '' }: ApiFlags): Api {
  const key = given.trim()
  if (key === '') throw new Error('an API key is needed: set POLLHOOK_KEY, or give --key')
  // Before fetch does: it would say the whole key.
  const odd = key.search(/[^\x21-\x7e]/)
  if (odd >= 0) {
    throw new Error(
      `the API key has a space, a line feed or a character other than ASCII at position ${odd + 1} of ${key.length}, as no key has: check POLLHOOK_KEY or --key`,
    )
  }
  // A relay may live under a path.
  const base = url.replace(/\/+$/, '')

  async function request(path: string, init: RequestInit): Promise<Response> {
    const headers = { authorization: `Bearer ${key}`, ...init.headers }
    // Followed to another origin a call goes without its key, and a POST arrives as a GET.
    const asked = { ...init, headers, redirect: 'manual' } as const
    const response = await fetch(`${base}${path}`, asked).catch((error: unknown) => {
      if (isTimeout(error)) throw new Error(tooLate(base))
      const reason = reasonOf(error)
      // The Fetch standard, "port blocking": ports of other protocols are never asked, whatever listens there.
      if (reason === 'bad port') {
        throw new Error(
          `${base} was not asked: like a browser, this command calls no port that belongs to another protocol: let the relay listen on another, e.g. PORT=8080`,
        )
      }
      throw new Error(`no Pollhook answers at ${base} (${reason}): start one, or give its --url`)
    })
    if (!response.ok) throw await problemOf(response)
    return response
  }
  return {
    url,
    async call(method, path, body) {
      const response = await request(path, {
        method,
        signal: AbortSignal.timeout(timeoutMs),
        ...(body !== undefined && {
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      })
      if (response.status === 204) return null
      return response.json().catch((error: unknown) => {
        if (isTimeout(error)) throw new Error(tooLate(base))
        throw new Error(`${base}${path} did not answer with JSON: is this a Pollhook?`)
      })
    },
    open: (path, signal) => request(path, signal === undefined ? {} : { signal }),
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError'
}

/** Something else than a Pollhook may answer with 200 as well. */
export function answeredWithout(what: string, path: string, { url }: Pick<Api, 'url'>): Error {
  return new Error(`${path} was answered with no ${what}: is ${url} a Pollhook?`)
}

/** A relay that hangs is none that is not there. */
function tooLate(base: string): string {
  return `${base} did not answer within ${timeoutMs / 1000} s: what was to be changed may have been, so look before you try again`
}

/** `?a=b` of what is set; empty when nothing is. */
export function queryOf(parameters: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return query.size === 0 ? '' : `?${query}`
}

/** The problem's `code`, when the API refused the call with this error. */
export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error ? String(error.code) : null
}

async function problemOf(response: Response): Promise<Error> {
  if (response.status === 401) {
    return Object.assign(new Error('the key was refused: check POLLHOOK_KEY or --key'), {
      code: 'unauthorized',
    })
  }
  const location = response.headers.get('location')
  if (location !== null) {
    return new Error(
      `${response.url} answered ${response.status}, a redirect to ${printable(location)}: give the address of the relay itself with --url`,
    )
  }
  const problem = (await response.json().catch(() => null)) as Problem | null
  if (typeof problem?.code !== 'string') {
    return new Error(`${response.url} answered ${response.status}: is this a Pollhook?`)
  }
  // A single one is the detail already.
  const errors = problem.errors ?? []
  const details = (errors.length > 1 ? errors : [])
    .map(({ path, message }) => `\n  ${printable(`${path} ${message}`)}`)
    .join('')
  const text = printable(
    `${problem.detail ?? problem.title} (${response.status} ${problem.code}, request ${problem.request_id})`,
  ).replace('. (', ' (')
  return Object.assign(new Error(`${text}${details}`), { code: problem.code })
}

interface Problem {
  title: string
  code: string
  detail?: string
  request_id: string
  errors?: { path: string; message: string }[]
}

/** What fetch failed on is in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause))
}
