/**
 * The part of `fetch` that asking upstream needs, dispatched to undici directly: a fraction of the CPU of Node's own
 * `fetch`, which is most of what a poll costs (docs/performance.md). Follows no redirect. Knows nothing of Qencode.
 */
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { Agent, type Dispatcher } from 'undici'
import type { UpstreamBody, UpstreamFetch, UpstreamResponse } from '../../ports.ts'
import { addressTimeoutMs } from './addresses.ts'

/** RFC 9110 §8.4.1; `x-gzip` is to be read as `gzip`. Servers disagree on `deflate`, so it is not asked for. */
const decoders = new Map([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

export interface NodeUpstreamFetch {
  fetch: UpstreamFetch
  /** Cuts all connections; calls in flight, or made later, reject. */
  close(): Promise<void>
}

/** @param options.timeoutMs of one call, which the caller's signal ends */
export function createUpstreamFetch({ timeoutMs = 15_000 } = {}): NodeUpstreamFetch {
  // The caller's signal bounds the whole call; undici's own timers would only cost.
  const connect = { autoSelectFamilyAttemptTimeout: addressTimeoutMs(timeoutMs) }
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0, allowH2: false, connect })
  return {
    fetch: (url, init) => new Promise((resolve, reject) => dispatch(agent, url, init, resolve, reject)),
    close: () => agent.destroy(),
  }
}

type Init = Parameters<UpstreamFetch>[1]

function dispatch(
  agent: Agent,
  url: string,
  { method, headers, body, signal }: Init,
  resolve: (response: UpstreamResponse) => void,
  reject: (error: Error) => void,
): void {
  const { origin, pathname: path } = new URL(url)
  let controller: Dispatcher.DispatchController | null = null
  let incoming: Incoming | null = null
  const abort = () => controller?.abort(new Error('the rest of the answer is not read'))
  signal.addEventListener('abort', abort, { once: true })

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started
      if (signal.aborted) abort()
    },
    onResponseStart(started, statusCode, received) {
      if (statusCode < 200) return
      const get = (name: string) => received[name]?.toString() ?? null
      incoming = incomingOf(started, get('content-encoding'), abort)
      resolve({ type: 'basic', status: statusCode, headers: { get }, body: incoming.body })
    },
    onResponseData(_controller, chunk) {
      incoming?.push(chunk)
    },
    onResponseEnd() {
      incoming?.end()
    },
    onResponseError(_controller, error) {
      if (incoming === null) reject(error)
      else incoming.fail(error)
    },
  }
  const all = { ...headers, 'accept-encoding': 'gzip, br' }
  agent.dispatch({ origin, path, method, headers: all, body }, handler)
}

/** An answer's body while it comes in. */
interface Incoming {
  body: UpstreamBody
  push(chunk: Uint8Array): void
  end(): void
  fail(error: Error): void
}

/** One coding at most, as servers use them; the text of an answer with several cannot be read. */
function incomingOf(
  controller: Dispatcher.DispatchController,
  coding: string | null,
  abort: () => void,
): Incoming {
  const createDecoder = decoders.get(coding?.trim().toLowerCase() ?? '')
  return createDecoder === undefined ? plain(abort) : decoded(createDecoder(), controller, abort)
}

/**
 * Whoever reads takes what came before the socket is read again, so no more than one read's chunks pile up; of these as one,
 * as there may be ten thousand of one byte each. No generator: what one leaves behind is kept until V8 collects old garbage
 * too, the chunks with it (docs/performance.md).
 */
function plain(abort: () => void): Incoming {
  const chunks: Uint8Array[] = []
  let state: 'open' | 'ended' | Error = 'open'
  let wake = () => {}

  async function next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (chunks.length === 0 && state === 'open') {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    const [first, second] = chunks
    if (first !== undefined) {
      const value = second === undefined ? first : Buffer.concat(chunks)
      chunks.length = 0
      return { value, done: false }
    }
    if (state instanceof Error) throw state
    return { value: undefined, done: true }
  }
  async function cancel(): Promise<void> {
    if (state === 'open') abort()
  }
  const end = (as: 'ended' | Error) => {
    if (state === 'open') state = as
    wake()
  }
  const brokenOff = () => cancel().then(() => ({ value: undefined, done: true as const }))
  return {
    body: { [Symbol.asyncIterator]: () => ({ next, return: brokenOff }), cancel },
    push(chunk) {
      chunks.push(chunk)
      wake()
    },
    end: () => end('ended'),
    fail: (error) => end(error),
  }
}

function decoded(
  decoder: ReturnType<typeof createGunzip>,
  controller: Dispatcher.DispatchController,
  abort: () => void,
): Incoming {
  // Whoever reads gets the error too, of the connection or of bytes that are not compressed; nobody may be reading.
  decoder.on('error', () => {}).on('drain', () => controller.resume())
  // Read to its end or broken off: in either case nothing more is wanted.
  decoder.once('close', () => {
    if (!decoder.writableEnded) abort()
  })
  return {
    body: {
      [Symbol.asyncIterator]: () => decoder[Symbol.asyncIterator](),
      async cancel() {
        decoder.destroy()
      },
    },
    push(chunk) {
      if (!decoder.destroyed && !decoder.write(chunk)) controller.pause()
    },
    end: () => decoder.end(),
    fail: (error) => decoder.destroy(error),
  }
}
