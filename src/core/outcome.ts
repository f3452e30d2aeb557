/** What one HTTP try of a delivery came to (CONTRACT §4.7). Data, never an exception. */

export type TransportErrorCode =
  | 'dns_error'
  | 'connection_refused'
  | 'connection_reset'
  | 'timeout'
  | 'tls_error'
  | 'network_error'

export type RefusalCode = 'blocked_address' | 'blocked_url'

export type Outcome =
  /** 2xx and nothing else. */
  | { kind: 'accepted'; statusCode: number }
  /** Any other answer. `retryAfter` is the header as received; `responseBody` its first 1,000 bytes. */
  | { kind: 'rejected'; statusCode: number; retryAfter: string | null; responseBody: string | null }
  /** No answer, or none within the delivery timeout, response body included. */
  | { kind: 'unreachable'; errorCode: TransportErrorCode }
  /** Never sent: the callback resolves to an address, or is a URL, that policy forbids. */
  | { kind: 'refused'; errorCode: RefusalCode }

/** Largest part of a rejecting answer that is kept in the attempt log. */
export const responseBodyBytesMax = 1000
