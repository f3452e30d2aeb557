/**
 * One POST to a callback URL, turned into an Outcome (CONTRACT §4.7). Knows HTTP and its failures; nothing of
 * deliveries, retries or signatures. undici's pools are dispatched to directly for speed (DESIGN §4).
 */
import type { Dispatcher } from 'undici'
import { type BodyText, createBodyText } from '../../core/body-text.ts'
import { boundedCache } from '../../core/bounded-cache.ts'
import {
  acceptedBodyBytesMax,
  type Outcome,
  responseBodyBytesMax,
  type TransportErrorCode,
} from '../../core/outcome.ts'
import { type CallbackPolicy, parseCallbackUrl } from '../../core/target.ts'
import type { Sender, SendRequest } from '../../ports.ts'
import { createGuard, guardCode } from './guard.ts'
import type { Lookup } from './lookups.ts'
import { createPools, type PoolLease, type Pools } from './pools.ts'

export interface SenderOptions extends CallbackPolicy {
  /** Connections per origin of one owner; what is sent beyond them waits, and its deadline runs. */
  concurrencyPerOrigin: number
  /**
   * Default 10 s. A lower delivery timeout should lower this too: a connection that is still being opened
   * holds its place among `concurrencyPerOrigin` after the attempt has timed out.
   */
  connectTimeoutMs?: number
  /** Origins kept open while idle, each counted for every owner that sends to it; default 256. */
  originsMax?: number
  /** Sockets above which idle origins are closed; default 1,024. */
  socketsMax?: number
  /** Names looked up at once. */
  lookupsMax: number
  /** Default: the system's resolver. */
  lookup?: Lookup
}

export interface NodeSender extends Sender {
  /** Cuts all connections. What is in flight, or sent later, ends `unreachable` with `network_error`. */
  close(): Promise<void>
}

/** URLs whose verdict is remembered: judging one costs as much as signing. At most 2 KiB each. */
const targetsMax = 4_096

export function createSender(options: SenderOptions): NodeSender {
  const { privateCidrs, lookup, lookupsMax, connectTimeoutMs = 10_000 } = options
  const guard = createGuard({ privateCidrs, connectTimeoutMs, lookupsMax, ...(lookup && { lookup }) })
  const pools = createPools({
    guard,
    connectionsPerOrigin: options.concurrencyPerOrigin,
    originsMax: options.originsMax ?? 256,
    socketsMax: options.socketsMax ?? 1_024,
  })
  const targetOf = boundedCache(targetsMax, (url) => parseCallbackUrl(url, options))
  return {
    send(request, isWanted = always) {
      const target = targetOf(request.url)
      if (!target.ok) return Promise.resolve({ kind: 'refused', errorCode: target.refusal })
      const path = target.url.slice(target.origin.length)
      return new Promise((resolve) => {
        try {
          const lease = pools.acquire(request.ownerId, target.origin)
          post({ pools, lease, path, request, isWanted }, resolve)
        } catch {
          resolve(unreachable('network_error'))
        }
      })
    },
    close: () => pools.close(),
  }
}

const always = () => true

interface Post {
  pools: Pools
  lease: PoolLease
  path: string
  request: SendRequest
  isWanted(): boolean
}

/** Dispatches the request and resolves exactly once, by the answer's end, an error or the deadline. */
function post(
  { pools, lease, path, request, isWanted }: Post,
  resolve: (outcome: Outcome | null) => void,
): void {
  let settled = false
  let controller: Dispatcher.DispatchController | null = null
  const answer = newAnswer()

  const settle = (outcome: Outcome | null) => {
    if (settled) return
    settled = true
    clearTimeout(deadline)
    pools.release(lease)
    resolve(outcome)
  }
  /** The rest of the answer is not wanted, and with it goes the connection. */
  const cut = (outcome: Outcome) => {
    settle(outcome)
    controller?.abort(new Error('the rest of the answer is not read'))
  }
  /** undici reports an abort at once, so what is said here comes first. */
  const withhold = (started: Dispatcher.DispatchController) => {
    settle(null)
    started.abort(new Error('the request is not wanted any more'))
  }
  const deadline = setTimeout(() => cut(answerSoFar(answer, 'timeout')), request.timeoutMs)

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      // Its deadline passed while it waited for a connection: it must not go out any more.
      if (settled) started.abort(new Error('the deadline has passed'))
      else if (isWanted()) controller = started
      else withhold(started)
    },
    onResponseStart(_controller, statusCode, headers) {
      if (statusCode < 200) {
        answer.informational += 1
        if (answer.informational > informationalMax) cut(unreachable('network_error'))
        return
      }
      answer.statusCode = statusCode
      const retryAfter = headers['retry-after']
      answer.retryAfter = (Array.isArray(retryAfter) ? retryAfter.join(', ') : retryAfter) ?? null
    },
    onResponseData(_controller, chunk) {
      if (readOn(answer, chunk)) return
      cut(wholeAnswer(answer))
    },
    onResponseEnd() {
      settle(wholeAnswer(answer))
    },
    onResponseError(_controller, error) {
      if (settled) return
      settle(failure(answer, error))
    },
  }
  lease.pool.dispatch({ path, method: 'POST', headers: request.headers, body: request.body }, handler)
}

/** A 103 or two at most are of use; a receiver that sends nothing else would take a share of the loop until the deadline. */
const informationalMax = 16

interface Answer {
  /** Answers of status 1xx, which come before the one that counts. */
  informational: number
  /** 0 until the headers are in. */
  statusCode: number
  retryAfter: string | null
  bodyBytes: number
  text: BodyText
}

function newAnswer(): Answer {
  return { informational: 0, statusCode: 0, retryAfter: null, bodyBytes: 0, text: createBodyText() }
}

function isSuccess({ statusCode }: Answer): boolean {
  return statusCode >= 200 && statusCode < 300
}

/** @returns false when enough of the body has been read */
function readOn(answer: Answer, chunk: Buffer): boolean {
  answer.bodyBytes += chunk.length
  answer.text.append(chunk)
  return isSuccess(answer)
    ? answer.bodyBytes <= acceptedBodyBytesMax
    : answer.bodyBytes < responseBodyBytesMax
}

function wholeAnswer(answer: Answer): Outcome {
  const { statusCode, retryAfter } = answer
  const responseBody = answer.text.read()
  if (isSuccess(answer)) return { kind: 'accepted', statusCode, responseBody }
  return { kind: 'rejected', statusCode, retryAfter, responseBody }
}

/**
 * A 2xx counts when it is whole (CONTRACT §1 POLLHOOK_DELIVERY_TIMEOUT: "response body included"). Any other
 * status has decided the attempt already: a 410 or Retry-After is not forgotten over the loss of its body.
 */
function answerSoFar(answer: Answer, errorCode: TransportErrorCode): Outcome {
  return answer.statusCode === 0 || isSuccess(answer) ? unreachable(errorCode) : wholeAnswer(answer)
}

function failure(answer: Answer, error: Error & { code?: string }): Outcome {
  if (error.code === guardCode.blockedAddress) return { kind: 'refused', errorCode: 'blocked_address' }
  return answerSoFar(answer, transportErrorCode(error))
}

const errorCodes: Readonly<Record<string, TransportErrorCode>> = {
  [guardCode.dns]: 'dns_error',
  [guardCode.tls]: 'tls_error',
  ECONNREFUSED: 'connection_refused',
  ECONNRESET: 'connection_reset',
  ECONNABORTED: 'connection_reset',
  EPIPE: 'connection_reset',
  // Closed in the middle of a body of known length.
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'connection_reset',
  ETIMEDOUT: 'timeout',
  UND_ERR_CONNECT_TIMEOUT: 'timeout',
}

function transportErrorCode(error: Error & { code?: string }): TransportErrorCode {
  const { code = '', message } = error
  // Of several addresses one has no route, perhaps: what another said tells more.
  const codes = error instanceof AggregateError ? error.errors.map((one) => String(one?.code)) : []
  const known = [...codes, code].map((one) => errorCodes[one]).find((one) => one !== undefined)
  if (known !== undefined) return known
  // Closed in the middle of a body in chunks, after which the connection was to be closed: llhttp's words, as undici has no code.
  if (message.includes('(Invalid EOF state)')) return 'connection_reset'
  // undici's word for both "the peer hung up" and "the peer does not speak HTTP".
  if (code === 'UND_ERR_SOCKET') return message === 'other side closed' ? 'connection_reset' : 'network_error'
  // TLS alerts that arrive after the handshake, e.g. a missing client certificate under TLS 1.3.
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_')) return 'tls_error'
  return 'network_error'
}

function unreachable(errorCode: TransportErrorCode): Outcome {
  return { kind: 'unreachable', errorCode }
}
