/** Who wants to know that a task, or a subscription to it, was touched by a commit: the event streams. */

export interface Feed {
  /** @returns ends the listening */
  subscribe(taskToken: string, listener: () => void): () => void
  publish(taskTokens: Iterable<string>): void
}

export function createFeed(): Feed {
  const listeners = new Map<string, Set<() => void>>()
  return {
    subscribe(taskToken, listener) {
      const mine = listeners.get(taskToken) ?? new Set()
      listeners.set(taskToken, mine)
      mine.add(listener)
      return () => {
        mine.delete(listener)
        if (mine.size === 0 && listeners.get(taskToken) === mine) listeners.delete(taskToken)
      }
    },
    publish(taskTokens) {
      if (listeners.size === 0) return
      for (const token of taskTokens) {
        for (const listener of [...(listeners.get(token) ?? [])]) listener()
      }
    },
  }
}
