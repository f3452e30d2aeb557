/** What the HTTP layer is given by the composition root, and what travels with one request. */
import type { Commands } from '../commands.ts'
import type { CallbackPolicy, StatusPolicy } from '../core/target.ts'
import type { Clock, Log } from '../ports.ts'
import type { Queries } from '../store/queries.ts'
import type { Owner } from '../store/records.ts'

/** The in-memory feed behind the event streams. */
export interface TransitionFeed {
  /**
   * Calls `listener` after each commit that touched the task or a subscription to it; more often does no harm.
   * @returns ends the listening; calling it twice does no harm
   */
  subscribe(taskToken: string, listener: () => void): () => void
}

export interface AppDeps {
  queries: Queries
  commands: Commands
  /** The owner of an API key, compared in constant time; null for an unknown key. */
  authenticate(key: string): Owner | null
  now: Clock
  /** A new id for `x-request-id`. */
  requestId(): string
  log: Log
  policy: { callback: CallbackPolicy; status: StatusPolicy }
  /** Of `expires_in`. */
  watch: { defaultMs: number; maxMs: number }
  /** The public key set, null when no POLLHOOK_SIGNING_KEY is configured. */
  jwks(): object | null
  transitions: TransitionFeed
  /** Calls `fn` every `ms` milliseconds until the returned function is called. */
  every(ms: number, fn: () => void): () => void
  /** Aborted when the relay closes its port: open event streams end and new ones are refused. */
  closing: AbortSignal
  /** Reads one file of the npm package `swagger-ui-dist` by name; null when it is not there. */
  docsAsset(name: string): Promise<Uint8Array<ArrayBuffer> | null>
  /** Prometheus text; without it `/metrics` answers 404. */
  metrics?: () => Promise<string>
  version: string
}

export interface HttpEnv {
  Variables: {
    requestId: string
    /** Set on every route that needs a key. */
    owner: Owner
  }
}
