/** Passes a webhook on as it came, so that the app behind can verify it too. */
import type { IncomingHttpHeaders } from 'node:http'

/** As long as the relay waits by itself (CONTRACT §1, POLLHOOK_DELIVERY_TIMEOUT). */
const timeoutMs = 15_000

/** What a receiver needs of the headers; the rest belongs to the connection that it came over. */
const passedOn = /^(content-type|user-agent|webhook-[a-z]+)$/

export interface Answer {
  status: number
  /** The header as it came: the relay leaves the endpoint alone for so long (CONTRACT §4.4). */
  retryAfter: string | null
}

/** @returns what the relay goes by of the answer; 502 when there was none */
export async function forward(
  url: string,
  { body, headers, signal }: { body: string; headers: IncomingHttpHeaders; signal: AbortSignal },
): Promise<Answer> {
  const kept = Object.entries(headers).filter(([name]) => passedOn.test(name))
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: kept.map(([name, value]): [string, string] => [name, String(value)]),
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    })
    await response.body?.cancel()
    return { status: response.status, retryAfter: response.headers.get('retry-after') }
  } catch {
    return { status: 502, retryAfter: null }
  }
}
