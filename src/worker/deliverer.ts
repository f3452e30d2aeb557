/**
 * Sends callbacks outside the Durable Object. One invocation may wait for the headers of six connections at a
 * time (DESIGN §4), so a shard spreads its attempts over invocations of this entrypoint of the same Worker.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { readConfig } from '../config.ts'
import type { Outcome } from '../core/outcome.ts'
import { createFetchSender, type FetchSender } from '../net/worker-send.ts'
import type { SendRequest, Timers } from '../ports.ts'

/** POSTs of one invocation. */
const batchMax = 6

/** An invocation keeps the time-out of each attempt itself: only one that is lost is still silent so long after it. */
const handOverSlackMs = 5_000

/** One line of the answer, written as soon as its POST has an outcome. */
interface Line {
  index: number
  outcome: Outcome
}

export class Deliverer extends WorkerEntrypoint<Env> {
  /** @returns a line of JSON for each request, in the order in which they end */
  async deliver(requests: SendRequest[]): Promise<ReadableStream<Uint8Array>> {
    const read = readConfig(this.env as unknown as Record<string, string>)
    if (!read.ok) throw new Error('the configuration is faulty')
    const sender = createFetchSender({
      policy: read.config.callbacks,
      fetch: (url, init) => fetch(url, init),
    })
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const encoder = new TextEncoder()
    const all = requests.slice(0, batchMax).map(async (request, index) => {
      const line: Line = { index, outcome: await sender.send(request) }
      await writer.write(encoder.encode(`${JSON.stringify(line)}\n`))
    })
    this.ctx.waitUntil(Promise.allSettled(all).then(() => writer.close()))
    return readable
  }
}

interface Waiting {
  request: SendRequest
  resolve(outcome: Outcome): void
}

export interface BatchingDeps {
  /** Begins an invocation. */
  deliver(requests: SendRequest[]): Promise<ReadableStream<Uint8Array>>
  timers: Timers
  onFailed(error: unknown): void
}

/** A sender that hands what is asked of it at one time over to invocations of six. */
export function createBatchingSender({ deliver, timers, onFailed }: BatchingDeps): FetchSender {
  const waiting: Waiting[] = []

  async function flush(): Promise<void> {
    const batches: Waiting[][] = []
    while (waiting.length > 0) batches.push(waiting.splice(0, batchMax))
    await Promise.all(batches.map(handOver))
  }

  async function handOver(batch: Waiting[]): Promise<void> {
    const open = new Set(batch)
    const overdue = new AbortController()
    const timeoutMs = Math.max(...batch.map(({ request }) => request.timeoutMs))
    const cancelTimer = timers.after(timeoutMs + handOverSlackMs, () => {
      endAll(open, 'timeout')
      overdue.abort(new Error('an invocation did not answer in time'))
      onFailed(overdue.signal.reason)
    })
    try {
      const stream = await deliver(batch.map(({ request }) => request))
      for await (const { index, outcome } of linesOf(stream, overdue.signal)) {
        const one = batch[index]
        if (one === undefined) continue
        open.delete(one)
        one.resolve(outcome)
      }
    } catch (error) {
      if (!overdue.signal.aborted) onFailed(error)
    }
    cancelTimer()
    endAll(open, 'network_error')
  }

  return {
    send(request) {
      return new Promise((resolve) => {
        if (waiting.length === 0) queueMicrotask(() => void flush())
        waiting.push({ request, resolve })
      })
    },
  }
}

/** Whether the receiver saw it is not known: it is an attempt, and it is made again. */
function endAll(open: Set<Waiting>, errorCode: 'timeout' | 'network_error'): void {
  for (const one of open) one.resolve({ kind: 'unreachable', errorCode })
  open.clear()
}

/** Ends early, and lets go of the stream, when `signal` is aborted. */
async function* linesOf(stream: ReadableStream<Uint8Array>, signal: AbortSignal): AsyncGenerator<Line> {
  let rest = ''
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  // A stream that broke meanwhile has nothing to be let go of.
  const letGo = () => void reader.cancel(signal.reason).catch(() => {})
  if (signal.aborted) letGo()
  else signal.addEventListener('abort', letGo)
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const lines = (rest + decoder.decode(chunk.value, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as Line
  }
}
