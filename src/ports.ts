/**
 * Everything the portable code asks of its runtime or of another layer, as types only. Node, Workers and
 * the simulation each bring their own implementations.
 */
import type { Outcome } from './core/outcome.ts'

/** Milliseconds since the epoch. */
export type Clock = () => number

/** A number in [0, 1). */
export type Random = () => number

/** Answer of one upstream status call. `Upstream.status` never rejects: failures are data. */
export type StatusAnswer =
  /** `statuses` has only entries that are objects; a null, missing or malformed entry is absent. */
  | { kind: 'statuses'; statuses: ReadonlyMap<string, Record<string, unknown>> }
  /** Error 8 or HTTP 429: wait as told; `retryAfterMs` null when the answer did not say how long. */
  | { kind: 'busy'; retryAfterMs: number | null }
  /** Any other `error` number of the call as a whole, 13 and 5 included. */
  | { kind: 'error'; code: number; message: string | null }
  /** No usable answer: the API host is asked instead in the same pass (CONTRACT §5.3). */
  | { kind: 'failed'; reason: UpstreamFailure }

export type UpstreamFailure = 'timeout' | 'network' | 'server_error' | 'redirect' | 'unreadable' | 'too_large'

export interface Upstream {
  /**
   * One `POST <origin>/v1/status` with `tokens` (1 to POLLHOOK_POLL_BATCH of them).
   * @param origin scheme, host and port, e.g. `https://master-1.qencode.com`
   */
  status(origin: string, tokens: readonly string[]): Promise<StatusAnswer>
}

/** What is used of `fetch`: the global one fits, and on Node a cheaper one (net/node/upstream-fetch.ts). */
export type UpstreamFetch = (
  url: string,
  init: {
    method: 'POST'
    headers: Record<string, string>
    body: string
    redirect: 'manual'
    signal: AbortSignal
  },
) => Promise<UpstreamResponse>

export interface UpstreamResponse {
  type: string
  status: number
  headers: { get(name: string): string | null }
  body: UpstreamBody | null
}

/** Breaking off the iteration lets go of the connection, and so does `cancel` before it has begun. */
export interface UpstreamBody extends AsyncIterable<Uint8Array> {
  cancel(): Promise<void>
}

export interface SendRequest {
  /** Connections are shared by requests of one owner only. */
  ownerId: number
  /** It has one request at a time. */
  subscriptionId: number
  url: string
  headers: Record<string, string>
  body: string
  /** For the whole attempt, response body included. */
  timeoutMs: number
}

export interface Sender {
  /**
   * One POST. Never rejects; redirects are not followed.
   * @param isWanted is asked when the request has its connection, which may take as long as the time-out; default: it is
   * @returns null when it was not wanted any more and did not go out
   */
  send(request: SendRequest, isWanted?: () => boolean): Promise<Outcome | null>
  /**
   * For a sender that cannot ask `isWanted` at that time: cuts the subscription's request, whether it has gone out or not.
   * Resolves when it cannot go out any more.
   */
  withdraw?(subscriptionId: number): Promise<void>
}

/** Signing is a port because each runtime has a different fast path (DESIGN §4). */
export interface Signer {
  /**
   * The `webhook-signature` header value for one attempt: `v1,<base64>` per secret, in order, then
   * `v1a,<base64>` when a signing key is configured, separated by spaces.
   * @param secrets `whsec_…`, newest first
   * @param content `<id>.<timestamp>.<body>` (Standard Webhooks, "Signature scheme")
   */
  sign(secrets: readonly string[], content: string): string | Promise<string>
}

/** A subscription's own secret at rest (CONTRACT §4.9): AES-GCM bound to the subscription. */
export interface Vault {
  seal(subscriptionId: string, secret: string): string
  /** @throws when no configured POLLHOOK_SECRET opens it */
  open(subscriptionId: string, sealed: string): string
}

export interface RotatingVault extends Vault {
  /** False for what an older POLLHOOK_SECRET sealed: seal it again before that one is taken away. */
  isSealedByNewest(sealed: string): boolean
}

/** One log line. Tokens are passed through `shortToken`, callback URLs as origins; secrets never. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

export interface Timers {
  /** Runs `work` once, `ms` from now (0: as soon as the runtime can); the answer calls it off. */
  after(ms: number, work: () => void): () => void
}
