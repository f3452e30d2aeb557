/** The dashboard over the scripted API of test/http/support.ts, and a reader with a cookie jar. */
import { setImmediate as turn } from 'node:timers/promises'
import { createDashboard } from '../../src/dashboard/app.ts'
import { type ApiKeyEntry, hashApiKey } from '../../src/keys/api-keys.ts'
import { createSessions } from '../../src/keys/sessions.ts'
import { at, key, type Overrides, testApp } from '../http/support.ts'

export const otherKey = 'key-of-other-0123456789abcdef'
export const origin = 'http://pollhook.test'
export const keysOfBoth: ApiKeyEntry[] = [
  { owner: 'acme', sha256Hex: hashApiKey(key) },
  { owner: 'other', sha256Hex: hashApiKey(otherKey) },
]
export const secretA = new Uint8Array(32).fill(1)
export const secretB = new Uint8Array(32).fill(2)

export interface Setting {
  overrides?: Overrides
  apiKeys?: ApiKeyEntry[]
  secrets?: Uint8Array[]
  idiomorph?: () => Promise<string | null>
}

const ownerIds = new Map([
  ['acme', 1],
  ['other', 2],
])

export function openDashboard({
  overrides = {},
  apiKeys = keysOfBoth,
  secrets = [secretA],
  idiomorph = async () => '/* idiomorph */',
}: Setting = {}) {
  const clock = { at }
  const sessions = createSessions({ apiKeys, secrets }, () => clock.at)
  const { app: api, logged } = testApp({
    ...overrides,
    deps: {
      ...overrides.deps,
      authenticate(given) {
        const name = sessions.ownerOf(given) ?? ''
        const id = ownerIds.get(name)
        return id === undefined ? null : { id, name }
      },
    },
  })
  const logAt =
    (level: string) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      logged.push({ level, message, fields })
    }
  const app = createDashboard({
    api: (request) => api.fetch(request),
    turn,
    sessions,
    now: () => clock.at,
    requestId: () => 'req_dashboard',
    log: { debug: logAt('debug'), info: logAt('info'), warn: logAt('warn'), error: logAt('error') },
    idiomorph,
  })
  const request = (path: string, init: RequestInit = {}) => app.fetch(new Request(`${origin}${path}`, init))
  return { clock, logged, request, sessions, reader: (given = key) => openReader(request, given) }
}

type Send = ReturnType<typeof openDashboard>['request']

export interface Reader {
  cookie: string
  get(path: string): Promise<Response>
  text(path: string): Promise<string>
  /** A form of the dashboard's own, unless headers say otherwise. */
  post(path: string, fields?: Record<string, string>, headers?: Record<string, string>): Promise<Response>
}

/** Logs in. */
async function openReader(request: Send, given: string): Promise<Reader> {
  const cookie = cookieOf(await logIn(request, given))
  return withCookie(request, cookie)
}

export function logIn(request: Send, given: string, next = ''): Promise<Response> {
  const body = new URLSearchParams({ key: given, next })
  return Promise.resolve(request('/dashboard/login', { method: 'POST', headers: { origin }, body }))
}

/** What a browser would send back. */
export function cookieOf(response: Response): string {
  return response.headers.get('set-cookie')?.split(';')[0] ?? ''
}

export function withCookie(request: Send, cookie: string): Reader {
  const get = async (path: string) => request(path, { headers: { cookie } })
  return {
    cookie,
    get,
    text: async (path) => (await get(path)).text(),
    post: async (path, fields = {}, headers = { origin }) =>
      request(path, { method: 'POST', headers: { cookie, ...headers }, body: new URLSearchParams(fields) }),
  }
}

/** The part of a page that the script brings up to date. */
export function liveOf(page: string): string {
  const start = page.indexOf('<div id="live"')
  let depth = 0
  for (const tag of page.slice(start).matchAll(/<(\/?)div\b/g)) {
    depth += tag[1] === '' ? 1 : -1
    if (depth === 0) return page.slice(start, start + tag.index)
  }
  throw new Error('the page has no live part')
}

/** What a list of the store answers with these rows and no more. */
export const onePage = <T>(data: T[]) => ({ data, nextCursor: null, positions: [] })
export const none = () => onePage<never>([])
