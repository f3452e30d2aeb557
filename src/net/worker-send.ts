/**
 * One POST through `fetch`, turned into an Outcome (CONTRACT §4.7), for runtimes without sockets. The runtime
 * keeps it from private addresses (`global_fetch_strictly_public`); the URL itself is judged here.
 */
import { createBodyText } from '../core/body-text.ts'
import {
  acceptedBodyBytesMax,
  type Outcome,
  responseBodyBytesMax,
  type TransportErrorCode,
} from '../core/outcome.ts'
import { type CallbackPolicy, parseCallbackUrl } from '../core/target.ts'
import type { SendRequest } from '../ports.ts'

export interface FetchSenderOptions {
  policy: CallbackPolicy
  fetch: (url: string, init: RequestInit & { encodeResponseBody: 'manual' }) => Promise<Response>
}

/** Hands the request over at once: the runtime does not say when its connection is there. */
export interface FetchSender {
  /** @returns null when `withdrawal` was aborted before there was an outcome: it may have gone out, or not */
  send(request: SendRequest, withdrawal: AbortSignal): Promise<Outcome | null>
}

export function createFetchSender({ policy, fetch }: FetchSenderOptions): FetchSender {
  return {
    async send(request, withdrawal) {
      const target = parseCallbackUrl(request.url, policy)
      if (!target.ok) return { kind: 'refused', errorCode: target.refusal }
      const deadline = new AbortController()
      const timer = setTimeout(() => deadline.abort(), request.timeoutMs)
      try {
        return await post(request, fetch, AbortSignal.any([deadline.signal, withdrawal]))
      } catch (error) {
        if (withdrawal.aborted) return null
        return { kind: 'unreachable', errorCode: deadline.signal.aborted ? 'timeout' : errorCodeOf(error) }
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

async function post(
  request: SendRequest,
  fetch: FetchSenderOptions['fetch'],
  signal: AbortSignal,
): Promise<Outcome> {
  const { url, headers, body } = request
  const response = await fetch(url, {
    method: 'POST',
    // The runtime would ask for what it then does not unpack.
    headers: { ...headers, 'accept-encoding': 'identity' },
    body,
    // `error` throws in workerd, `follow` would repeat the body elsewhere (DESIGN §4).
    redirect: 'manual',
    // As it comes: one that cannot be unpacked is no failure of the attempt.
    encodeResponseBody: 'manual',
    signal,
  })
  const statusCode = response.status
  const text = createBodyText()
  if (response.ok) {
    await readUpTo(acceptedBodyBytesMax, response, signal, text.append)
    return { kind: 'accepted', statusCode, responseBody: text.read() }
  }
  const retryAfter = response.headers.get('retry-after')
  // The answer is decided: a body that breaks or hangs does not change it, and what came of it may tell why.
  await readUpTo(responseBodyBytesMax, response, signal, text.append).catch(() => undefined)
  return { kind: 'rejected', statusCode, retryAfter, responseBody: text.read() }
}

/** @throws when the deadline passes or the connection breaks before the end or the limit */
async function readUpTo(
  bytesMax: number,
  response: Response,
  signal: AbortSignal,
  onBytes: (bytes: Uint8Array) => void,
): Promise<void> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  const cut = () => void reader.cancel().catch(() => undefined)
  signal.addEventListener('abort', cut)
  for (let left = bytesMax; left > 0; ) {
    const { done, value } = await reader.read()
    if (signal.aborted) throw new Error('deadline')
    if (done) return
    onBytes(value)
    left -= value.byteLength
  }
  cut()
}

/** fetch tells what went wrong only in words; what they do not say is `network_error`. */
function errorCodeOf(error: unknown): TransportErrorCode {
  const text = error instanceof Error ? `${error.message} ${String(error.cause ?? '')}`.toLowerCase() : ''
  if (/dns|getaddrinfo|enotfound|resolve/.test(text)) return 'dns_error'
  if (/refused/.test(text)) return 'connection_refused'
  if (/reset|closed|lost/.test(text)) return 'connection_reset'
  if (/tls|ssl|certificate/.test(text)) return 'tls_error'
  return 'network_error'
}
