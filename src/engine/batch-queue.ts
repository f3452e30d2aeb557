/** Due tasks that wait for company, to share one call. */
import type { Entry } from './entry.ts'
import { createFifo, type Fifo } from './fifo.ts'

export interface BatchQueue {
  /** In the order they became due. */
  tasks: Fifo<Entry>
  /** Whichever has waited longest goes then, full batch or not; null when there is none. */
  flushAt: number | null
}

export function createBatchQueue(): BatchQueue {
  return { tasks: createFifo(), flushAt: null }
}

export function addTask(queue: BatchQueue, entry: Entry, flushAt: number): void {
  queue.tasks.push(entry)
  queue.flushAt = Math.min(queue.flushAt ?? flushAt, flushAt)
}

/** One of them may be in a hurry: which it is need not be known, as they go together. */
export function bringForward(queue: BatchQueue, flushAt: number): void {
  if (queue.flushAt !== null) queue.flushAt = Math.min(queue.flushAt, flushAt)
}

export function isBatchDue({ tasks, flushAt }: BatchQueue, batch: number, at: number): boolean {
  return tasks.length >= batch || (flushAt !== null && flushAt <= at)
}

/** The first `count` that fit. */
export function takeFitting(queue: BatchQueue, count: number, fits: (entry: Entry) => boolean): Entry[] {
  const taken = queue.tasks.takeFitting(count, fits)
  if (queue.tasks.length === 0) queue.flushAt = null
  return taken
}

export function takeTasks(queue: BatchQueue, count: number): Entry[] {
  const taken = queue.tasks.take(count)
  if (queue.tasks.length === 0) queue.flushAt = null
  return taken
}
