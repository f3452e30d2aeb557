/** What one HTTP try of a delivery came to (CONTRACT §4.7). Data, never an exception. */

export const transportErrorCodes = [
  'dns_error',
  'connection_refused',
  'connection_reset',
  'timeout',
  'tls_error',
  'network_error',
] as const
export type TransportErrorCode = (typeof transportErrorCodes)[number]

export const refusalCodes = ['blocked_address', 'blocked_url'] as const
export type RefusalCode = (typeof refusalCodes)[number]

export type Outcome =
  /** 2xx and nothing else. `responseBody` is its first 1,000 bytes. */
  | { kind: 'accepted'; statusCode: number; responseBody: string | null }
  /** Any other answer. `retryAfter` is the header as received; `responseBody` its first 1,000 bytes. */
  | { kind: 'rejected'; statusCode: number; retryAfter: string | null; responseBody: string | null }
  /** No answer, or none within the delivery timeout, response body included. */
  | { kind: 'unreachable'; errorCode: TransportErrorCode }
  /** Never sent: the callback resolves to an address, or is a URL, that policy forbids. */
  | { kind: 'refused'; errorCode: RefusalCode }

/** Largest part of an answer that is kept in the attempt log. */
export const responseBodyBytesMax = 1000
/** More of an accepting answer is not read: the receiver has said yes long before. */
export const acceptedBodyBytesMax = 65_536
