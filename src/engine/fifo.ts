/** First come, first served, by the handful: an array whose front is not moved up at each taking. */

export interface Fifo<T> {
  readonly length: number
  push(item: T): void
  /** It stays where it is. */
  first(): T | undefined
  /** Removes and returns the first `count`, or as many as there are. */
  take(count: number): T[]
}

export function createFifo<T>(): Fifo<T> {
  let items: T[] = []
  let gone = 0
  return {
    get length() {
      return items.length - gone
    },
    push(item) {
      items.push(item)
    },
    first: () => items[gone],
    take(count) {
      const taken = items.slice(gone, gone + count)
      gone += taken.length
      // Moving up what is left costs no more than what was taken since the last time.
      if (gone * 2 >= items.length) {
        items = items.slice(gone)
        gone = 0
      }
      return taken
    },
  }
}
