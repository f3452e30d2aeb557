/** Lets pieces of work through one in each turn of the event loop, so that what else is ready runs between them. */
import type { Timers } from '../ports.ts'

/** @returns resolves in a turn of its own, also where many ask in the same one; in the order of asking */
export function createTurnstile(timers: Pick<Timers, 'after'>): () => Promise<void> {
  let last = Promise.resolve()
  return () => {
    last = last.then(() => new Promise((resolve) => timers.after(0, resolve)))
    return last
  }
}
