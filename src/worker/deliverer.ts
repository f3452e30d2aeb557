/**
 * Sends callbacks outside the Durable Object. One invocation may wait for the headers of six connections at a
 * time (DESIGN §4), so a shard spreads its attempts over invocations of this entrypoint of the same Worker.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { Outcome } from '../core/outcome.ts'
import { createFetchSender } from '../net/worker-send.ts'
import type { Sender, SendRequest, Timers } from '../ports.ts'
import { configurationOf } from './configuration.ts'

/** POSTs of one invocation. */
const batchMax = 6

/** An invocation keeps the time-out of each attempt itself: only one that is lost is still silent so long after it. */
const handOverSlackMs = 5_000

/** One line of the answer, written as soon as its POST has an outcome. */
interface Line {
  index: number
  outcome: Outcome | null
}

/** While it is not disposed of, the invocation goes on. */
export interface Invocation extends Disposable {
  /** A line of JSON for each request, in the order in which they end. */
  lines: ReadableStream<Uint8Array>
  /** Cuts one of the requests. */
  withdraw(index: number): unknown
}

export class Deliverer extends WorkerEntrypoint<Env> {
  async deliver(requests: SendRequest[]): Promise<Omit<Invocation, keyof Disposable>> {
    const sender = createFetchSender({
      policy: configurationOf(this.env).config.callbacks,
      fetch: (url, init) => fetch(url, init),
    })
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const writer = writable.getWriter()
    const encoder = new TextEncoder()
    const withdrawals = requests.map(() => new AbortController())
    const all = requests.slice(0, batchMax).map(async (request, index) => {
      const line: Line = { index, outcome: await sender.send(request, withdrawals[index]!.signal) }
      await writer.write(encoder.encode(`${JSON.stringify(line)}\n`))
    })
    this.ctx.waitUntil(Promise.allSettled(all).then(() => writer.close()))
    return { lines: readable, withdraw: (index) => withdrawals[index]?.abort() }
  }
}

interface Attempt {
  request: SendRequest
  outcome: Promise<Outcome | null>
  resolve(outcome: Outcome | null): void
  /** Once it has been handed over. */
  withdraw?(): Promise<unknown>
}

export interface BatchingDeps {
  /** Begins an invocation. */
  deliver(requests: SendRequest[]): Promise<Invocation>
  timers: Timers
  onFailed(error: unknown): void
}

/** A sender that hands what is asked of it at one time over to invocations of six. */
export function createBatchingSender({ deliver, timers, onFailed }: BatchingDeps): Required<Sender> {
  const waiting: Attempt[] = []
  const bySubscription = new Map<number, Attempt>()

  async function flush(): Promise<void> {
    const batches: Attempt[][] = []
    while (waiting.length > 0) batches.push(waiting.splice(0, batchMax))
    await Promise.all(batches.map(handOver))
  }

  async function handOver(batch: Attempt[]): Promise<void> {
    const open = new Set(batch)
    const overdue = new AbortController()
    const timeoutMs = Math.max(...batch.map(({ request }) => request.timeoutMs))
    const cancelTimer = timers.after(timeoutMs + handOverSlackMs, () => {
      endAll(open, 'timeout')
      overdue.abort(new Error('an invocation did not answer in time'))
      onFailed(overdue.signal.reason)
    })
    try {
      const begun = deliver(batch.map(({ request }) => request))
      for (const [index, one] of batch.entries()) one.withdraw = async () => (await begun).withdraw(index)
      using invocation = await begun
      for await (const { index, outcome } of linesOf(invocation.lines, overdue.signal)) {
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
      const { promise, resolve } = Promise.withResolvers<Outcome | null>()
      const one: Attempt = { request, outcome: promise, resolve }
      bySubscription.set(request.subscriptionId, one)
      void promise.then(() => bySubscription.delete(request.subscriptionId))
      if (waiting.length === 0) queueMicrotask(() => void flush())
      waiting.push(one)
      return promise
    },

    async withdraw(subscriptionId) {
      // What was asked for in this turn is handed over first.
      await Promise.resolve()
      const one = bySubscription.get(subscriptionId)
      // An invocation that is lost ends its attempts in any case.
      one?.withdraw?.().catch(() => {})
      await one?.outcome
    },
  }
}

/** Whether the receiver saw it is not known: it is an attempt, and it is made again. */
function endAll(open: Set<Attempt>, errorCode: 'timeout' | 'network_error'): void {
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
