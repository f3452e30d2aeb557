/**
 * Sends callbacks outside the Durable Object. One invocation may wait for the headers of six connections at a
 * time (DESIGN §4), so a shard spreads its attempts over invocations of this entrypoint of the same Worker.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import { readConfig } from '../config.ts'
import type { Outcome } from '../core/outcome.ts'
import { createFetchSender } from '../net/worker-send.ts'
import type { Sender, SendRequest } from '../ports.ts'

/** POSTs of one invocation. */
export const batchMax = 6

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

/** A sender that hands what is asked of it at one time over to invocations of six. */
export function createBatchingSender(
  deliver: (requests: SendRequest[]) => Promise<ReadableStream<Uint8Array>>,
  onFailed: (error: unknown) => void,
): Sender {
  const waiting: Waiting[] = []

  async function flush(): Promise<void> {
    const batches: Waiting[][] = []
    while (waiting.length > 0) batches.push(waiting.splice(0, batchMax))
    await Promise.all(batches.map(handOver))
  }

  async function handOver(batch: Waiting[]): Promise<void> {
    const open = new Set(batch)
    try {
      const stream = await deliver(batch.map(({ request }) => request))
      for await (const { index, outcome } of linesOf(stream)) {
        const one = batch[index]
        if (one === undefined) continue
        open.delete(one)
        one.resolve(outcome)
      }
    } catch (error) {
      onFailed(error)
    }
    // Whether the receiver saw it is not known: it is an attempt, and it is made again.
    for (const one of open) one.resolve({ kind: 'unreachable', errorCode: 'network_error' })
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

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Line> {
  let rest = ''
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader()
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    const lines = (rest + chunk.value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) yield JSON.parse(line) as Line
  }
}
