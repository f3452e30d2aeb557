/** Follows the event stream of one task over broken connections to its end (CONTRACT §2). Knows no display. */
import { setTimeout as sleep } from 'node:timers/promises'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { isTerminalType } from '../core/transition.ts'
import { type Api, codeOf, queryOf } from './api.ts'
import type { WebhookEvent } from './receiver.ts'

/**
 * Tries in a row without an answer, before the relay counts as gone: with their pauses a minute. A start reads a large
 * database, migrates it, or waits for a machine to boot.
 */
const triesMax = 30

export interface FollowOptions {
  taskToken: string
  signal: AbortSignal
  onEvent: (event: WebhookEvent) => void
  /** Before a broken stream is opened again, in milliseconds; 2,000 unless told. */
  retryMs?: number
}

/**
 * @returns the type of the end; null when the stream ended without one (the owner's last subscription did) or
 *   `signal` was aborted
 * @throws what the API refused, and when the relay stays away
 */
export async function followTask(api: Api, options: FollowOptions): Promise<string | null> {
  let after: number | undefined
  let tries = 0
  while (!options.signal.aborted) {
    try {
      const response = await api.open(
        `/v1/tasks/${options.taskToken}/events${queryOf({ after })}`,
        options.signal,
      )
      if (response.status === 204 || response.body === null) return null
      // Also where the stream breaks before anything came: a task may be quiet for longer than a proxy waits.
      tries = 0
      for await (const event of eventsOf(response.body)) {
        after = event.data.seq ?? after
        options.onEvent(event)
        if (isTerminalType(event.type)) return event.type
      }
    } catch (error) {
      if (options.signal.aborted) break
      tries += 1
      if (tries >= triesMax || !passes(error)) throw error
    }
    await sleep(options.retryMs ?? 2_000, undefined, { signal: options.signal }).catch(() => {})
  }
  return null
}

async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<WebhookEvent> {
  const messages = body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const message of messages) yield JSON.parse(message.data) as WebhookEvent
}

/** A relay that restarts is back soon; a refusal stays one. */
function passes(error: unknown): boolean {
  const code = codeOf(error)
  return code === null || code === 'unavailable' || code === 'internal'
}
