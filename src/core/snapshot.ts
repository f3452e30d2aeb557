/**
 * A task's state as Pollhook knows it, and one upstream status object read into the same terms.
 * Knows nothing of how the object was fetched or where the state is kept.
 */

/** Upstream's own ends (CONTRACT §5.6): after one of them the task is never polled again. */
export type UpstreamEnd = 'completed' | 'failed' | 'cancelled'

export interface TaskError {
  /** Upstream's number, 1 if it gave none. */
  code: number
  description: string | null
}

/**
 * One upstream status object, normalised. A key that upstream left out, sent as null or as the literal
 * string "None" is `null` here and means "no change" (upstream/QENCODE.md, "A status object").
 */
export interface Observation {
  /** The word after `task.`: `encoding`, `completed`, `unknown`…; null when upstream named no status. */
  status: string | null
  percent: number | null
  end: UpstreamEnd | null
  /** Set exactly when `end` is `failed`. */
  error: TaskError | null
  /** The raw `status_url` when it is a string; whether it may be used is decided elsewhere. */
  statusUrl: string | null
  /** The parsed status object as upstream sent it, for `result`. */
  raw: Record<string, unknown>
}
