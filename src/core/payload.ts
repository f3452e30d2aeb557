/**
 * The body of a webhook (CONTRACT §3), rendered once per delivery. Built as text around the result, which
 * is serialised once per task however many subscriptions it goes to.
 */
import type { TaskError } from './snapshot.ts'

/** Above this a terminal event carries `result: null` and `result_truncated: true`. */
export const payloadResultBytesMax = 256 * 1024
/** Above this a result is not kept at all: a Durable Object takes no value over 2 MB. */
export const storedResultBytesMax = 1024 * 1024

export interface EventState {
  status: string | null
  percent: number | null
}

export interface EventBody {
  type: string
  /** When the change was detected. */
  at: number
  subscriptionId: string | null
  taskToken: string
  seq: number | null
  status: string | null
  percent: number | null
  /** The task at `seq` − 1. */
  previous: EventState | null
  /** Already serialised: it is stored that way. */
  metadataJson: string
  error: TaskError | null
  result: EventResult
}

/** A result as it is kept: its text, null where there is none. */
export interface StoredResult {
  json: string | null
  /** There was one, too large to be kept. */
  dropped: boolean
}

/** A result as the payload needs it: its text, or the fact that it is too large to be sent. */
export type EventResult = { json: string; truncated: false } | { json: null; truncated: boolean }

export const noResult: EventResult = { json: null, truncated: false }

/** What a terminal event shows of a result. */
export function eventResult({ json, dropped }: StoredResult): EventResult {
  if (dropped) return { json: null, truncated: true }
  if (json === null) return noResult
  return utf8BytesOver(json, payloadResultBytesMax)
    ? { json: null, truncated: true }
    : { json, truncated: false }
}

/** Is the UTF-8 form longer than `limit`? Encodes only when the length alone does not answer. */
export function utf8BytesOver(text: string, limit: number): boolean {
  if (text.length > limit) return true
  if (text.length * 3 <= limit) return false
  return new TextEncoder().encode(text).byteLength > limit
}

export function renderEvent(event: EventBody): string {
  const previous = event.previous
  const data =
    `{"subscription_id":${JSON.stringify(event.subscriptionId)},"task_token":${JSON.stringify(event.taskToken)}` +
    `,"seq":${event.seq},"status":${JSON.stringify(event.status)},"percent":${event.percent}` +
    `,"previous":${previous === null ? 'null' : JSON.stringify({ status: previous.status, percent: previous.percent })}` +
    `,"metadata":${event.metadataJson},"error":${JSON.stringify(event.error)}` +
    `,"result":${event.result.json ?? 'null'}${event.result.truncated ? ',"result_truncated":true' : ''}}`
  return `{"type":${JSON.stringify(event.type)},"timestamp":"${new Date(event.at).toISOString()}","data":${data}}`
}
