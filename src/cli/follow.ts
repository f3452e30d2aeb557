/** Follows the event stream of one task over broken connections to its end (CONTRACT §2). Knows no display. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { isTerminalType } from '../core/transition.ts'
import { type Api, codeOf, queryOf } from './api.ts'
import type { WebhookEvent } from './receiver.ts'

/** Away for so long the relay counts as gone. A start reads a large database, migrates it, or waits for a machine to boot. */
const goneMs = 60_000

/** The relay sends a comment every 15 s: who has heard nothing for three of them holds a dead connection. */
const silentMs = 45_000

export interface FollowOptions {
  taskToken: string
  signal: AbortSignal
  onEvent: (event: WebhookEvent) => void
  /** Before a broken stream is opened again, in milliseconds; 2,000 unless told. */
  retryMs?: number
  /** Milliseconds that only go on. */
  now?: () => number
}

/**
 * @returns the type of the end; null when the stream ended without one (the owner's last subscription did) or
 *   `signal` was aborted
 * @throws what the API refused, and when the relay stays away
 */
export async function followTask(api: Api, options: FollowOptions): Promise<string | null> {
  const { now = () => performance.now() } = options
  let after: number | undefined
  /** No end of a task that is registered again, by whoever: it is polled anew, and more may come. */
  let lost: string | null = null
  let awaySince: number | null = null
  while (!options.signal.aborted) {
    const silence = createSilence()
    try {
      const path = `/v1/tasks/${options.taskToken}/events${queryOf({ after })}`
      const response = await api.open(path, AbortSignal.any([options.signal, silence.signal]))
      if (response.status === 204 || response.body === null) return lost
      // Also where the stream breaks before anything came: a task may be quiet for longer than a proxy waits.
      awaySince = null
      for await (const event of eventsOf(response.body, silence.onBytes)) {
        after = event.data.seq ?? after
        options.onEvent(event)
        lost = event.type === 'task.lost' ? event.type : null
        if (isTerminalType(event.type) && lost === null) return event.type
      }
    } catch (error) {
      if (options.signal.aborted) break
      awaySince ??= now()
      if (now() - awaySince >= goneMs || !passes(error)) throw error
    } finally {
      silence.end()
    }
    await sleep(options.retryMs ?? 2_000, undefined, { signal: options.signal }).catch(() => {})
  }
  return null
}

/** Gives up a connection on which nothing comes. */
function createSilence(): { signal: AbortSignal; onBytes(): void; end(): void } {
  const controller = new AbortController()
  const reason = new Error(`nothing came for ${silentMs / 1000} s`)
  const timer = setTimeout(() => controller.abort(reason), silentMs)
  return { signal: controller.signal, onBytes: () => timer.refresh(), end: () => clearTimeout(timer) }
}

/** @param onBytes of a comment too */
async function* eventsOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  onBytes: () => void,
): AsyncGenerator<WebhookEvent> {
  const heard = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      onBytes()
      controller.enqueue(chunk)
    },
  })
  const messages = body
    .pipeThrough(heard)
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
  for await (const message of messages) yield JSON.parse(message.data) as WebhookEvent
}

/** A relay that restarts is back soon; a refusal stays one. */
function passes(error: unknown): boolean {
  const code = codeOf(error)
  return code === null || code === 'unavailable' || code === 'internal'
}
