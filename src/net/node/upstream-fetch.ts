/**
 * The part of `fetch` that asking upstream needs, by undici's `request`: a third of the CPU of Node's own `fetch`,
 * which is most of what a poll costs (docs/performance.md). Follows no redirect. Knows nothing of Qencode.
 */
import { pipeline, type Readable } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Agent, type Dispatcher, request } from 'undici'
import type { UpstreamBody, UpstreamFetch, UpstreamResponse } from '../../ports.ts'

/** RFC 9110 §8.4.1; `x-gzip` is to be read as `gzip`. Servers disagree on `deflate`, so it is not asked for. */
const decoders = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

export function createUpstreamFetch(): UpstreamFetch {
  // The caller's signal bounds the whole call; undici's own timers would only cost.
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0 })
  return async (url, { method, headers, body, signal }) => {
    const all = { ...headers, 'accept-encoding': 'gzip, br' }
    return responseOf(await request(url, { dispatcher, method, headers: all, body, signal }))
  }
}

function responseOf({ statusCode, headers, body }: Dispatcher.ResponseData): UpstreamResponse {
  const get = (name: string) => headers[name]?.toString() ?? null
  const read = bodyOf(decoded(body, get('content-encoding')))
  return { type: 'basic', status: statusCode, headers: { get }, body: read }
}

/** One coding at most, as servers use them; the text of an answer with several cannot be read. */
function decoded(body: Readable, coding: string | null): Readable {
  const decoder = decoders.get(coding?.trim().toLowerCase() ?? '')?.()
  // Whoever reads it gets the error: of the connection, or of bytes that are not compressed.
  return decoder === undefined ? body : pipeline(body, decoder, () => {})
}

function bodyOf(stream: Readable): UpstreamBody {
  return {
    [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
    async cancel() {
      // That it ends before its time is what is wanted, and nobody is left to be told.
      stream.on('error', () => {}).destroy()
    },
  }
}
