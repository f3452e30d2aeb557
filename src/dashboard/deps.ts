/** What the dashboard is given by the runtime, and what travels with one request. */
import type { Clock, Log } from '../ports.ts'
import type { Owner } from '../store/records.ts'
import type { Api } from './api.ts'

/** Who logged in, and with which of its keys (32 hex digits that say nothing of the key). */
export interface Session {
  owner: string
  keyPrint: string
}

export interface DashboardDeps {
  /** The public API of CONTRACT §2, wherever it runs. */
  api(request: Request): Response | Promise<Response>
  /** Resolves when whatever else waits for the thread has had its turn. */
  turn(): Promise<void>
  sessions: {
    /** HMAC keys for cookies, newest first: the first signs, all verify. */
    cookieKeys: readonly Uint8Array<ArrayBuffer>[]
    /** Null for an unknown key; compared in constant time. */
    open(key: string): Session | null
    /** False once the key was taken out of the configuration. */
    isValid(session: Session): boolean
    /** What stands after `Bearer ` in one call of the API for this owner. */
    ticket(owner: string): string
  }
  now: Clock
  /** A new id for `x-request-id`. */
  requestId(): string
  log: Log
  /** The bytes of `idiomorph.min.js`; null when they are not there. */
  idiomorph(): Promise<Uint8Array<ArrayBuffer> | string | null>
}

export interface DashboardEnv {
  Variables: {
    requestId: string
    /** Set on every page behind the login, as what follows. */
    owner: Pick<Owner, 'name'>
    api: Api
  }
}
