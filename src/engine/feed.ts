/** Who wants to know that a task, or a subscription to it, was touched by a commit: the event streams. */
import type { Timers } from '../ports.ts'

export interface Feed {
  /** @returns ends the listening */
  subscribe(taskToken: string, listener: () => void): () => void
  publish(taskTokens: Iterable<string>): void
}

/** Each reads the store: thousands that follow one task would hold up everything else. */
const toldPerTurn = 50

export function createFeed(timers: Timers): Feed {
  const listeners = new Map<string, Set<() => void>>()
  /** Their task was touched. Once more before they are told is no more to tell. */
  const untold = new Set<() => void>()
  let telling = false

  function tellSome(): void {
    telling = true
    let left = toldPerTurn
    try {
      for (const listener of untold) {
        if (left-- === 0) break
        untold.delete(listener)
        listener()
      }
    } finally {
      telling = untold.size > 0
      if (telling) timers.after(0, tellSome)
    }
  }

  return {
    subscribe(taskToken, listener) {
      const mine = listeners.get(taskToken) ?? new Set()
      listeners.set(taskToken, mine)
      mine.add(listener)
      return () => {
        untold.delete(listener)
        mine.delete(listener)
        if (mine.size === 0 && listeners.get(taskToken) === mine) listeners.delete(taskToken)
      }
    },
    publish(taskTokens) {
      if (listeners.size === 0) return
      for (const token of taskTokens) for (const listener of listeners.get(token) ?? []) untold.add(listener)
      if (!telling) tellSome()
    },
  }
}
