/** The shards as the router sees them: places, and questions that never reject. */
import type { Config } from '../config.ts'
import type { Place } from '../core/ids.ts'
import { bearer } from '../http/auth.ts'
import { brokenOff, readFirst } from '../http/body.ts'
import { problemResponse } from '../http/problem.ts'
import { createAuthenticator } from '../keys/api-keys.ts'
import { createSessions, type Sessions } from '../keys/sessions.ts'
import { createLog } from '../log.ts'
import type { Log } from '../ports.ts'
import { allPlaces } from '../shards/places.ts'
import { configurationOf } from './configuration.ts'
import { placeName } from './place.ts'

export interface Fleet {
  config: Config
  /** Newest generation first. */
  places: readonly Place[]
  /** Answers what any shard can: what is refused, what is no list, what names no shard. */
  first: Place
  log: Log
  sessions: Sessions
  /** Hands a request to a shard; 503 when it cannot be reached. */
  ask(place: Place, request: Request): Promise<Response>
  shard(place: Place): DurableObjectStub<import('./shard.ts').RelayShard>
  /** Saves a fan-out whose every part would answer 401. */
  mayHaveOwner(request: Request): boolean
}

let known: { env: Env; fleet: Fleet } | null = null

/** @throws one line per fault when the configuration is faulty */
export function fleetOf(env: Env): Fleet {
  if (known?.env !== env) known = { env, fleet: createFleet(env) }
  return known.fleet
}

function createFleet(env: Env): Fleet {
  const { config, warnings } = configurationOf(env)
  const log = createLog(config.logLevel, (line) => console.log(line.trimEnd()))
  for (const warning of warnings) log.warn(warning)
  const authenticate = createAuthenticator(config.apiKeys)
  const sessions = createSessions(config, Date.now)
  const shard = (place: Place) => env.SHARDS.get(env.SHARDS.idFromName(placeName(place)))
  const places = allPlaces(config.shards)
  return {
    config,
    places,
    first: places[0]!,
    log,
    sessions,
    shard,
    async ask(place, request) {
      try {
        return await shard(place).fetch(request)
      } catch (error) {
        log.error('a shard did not answer', { shard: placeName(place), error })
        return unavailable(request)
      }
    },
    mayHaveOwner(request) {
      const key = bearer.exec(request.headers.get('authorization') ?? '')?.[1]
      return key !== undefined && (authenticate(key) ?? sessions.ownerOf(key)) !== null
    },
  }
}

/** The router has given the request its id. */
export function unavailable(request: Request): Response {
  const detail = 'A part of Pollhook cannot be reached. Try again.'
  return problemResponse({ code: 'unavailable', detail }, request.headers.get('x-request-id') ?? '')
}

/**
 * At most `bytesMax` bytes and one more, which a shard refuses as too large.
 * @throws invalid_request as a problem when the caller hung up before the end
 */
export function readBody(request: Request, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  return readFirst(request.body, bytesMax + 1).catch(() => Promise.reject(brokenOff()))
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** Null for what is no JSON, or no UTF-8: a shard says so. */
export function jsonOrNull(body: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(body))
  } catch {
    return null
  }
}

/** The same request with another body, or another address. */
export function copyOf(
  request: Request,
  change: {
    url?: string
    method?: string
    body?: Uint8Array<ArrayBuffer> | string
    headers?: Record<string, string>
  },
): Request {
  const headers = new Headers(request.headers)
  if (change.body !== undefined) headers.delete('content-length')
  for (const [name, value] of Object.entries(change.headers ?? {})) headers.set(name, value)
  return new Request(change.url ?? request.url, {
    method: change.method ?? request.method,
    headers,
    ...(change.body !== undefined && { body: change.body }),
  })
}

/** Status and headers of one shard's answer. */
export function answerJson(like: Response, body: unknown): Response {
  const answer = new Response(JSON.stringify(body), like)
  answer.headers.delete('content-length')
  return answer
}
