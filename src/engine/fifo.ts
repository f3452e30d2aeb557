/** First come, first served, by the handful: an array whose front is not moved up at each taking. */

export interface Fifo<T> {
  readonly length: number
  push(item: T): void
  some(fits: (item: T) => boolean): boolean
  /** Removes and returns the first `count` that fit; the others stay in their order. */
  takeFitting(count: number, fits: (item: T) => boolean): T[]
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
    some(fits) {
      for (let i = gone; i < items.length; i++) if (fits(items[i]!)) return true
      return false
    },
    takeFitting(count, fits) {
      const taken: T[] = []
      const left: T[] = []
      for (const item of items.slice(gone)) (taken.length < count && fits(item) ? taken : left).push(item)
      items = left
      gone = 0
      return taken
    },
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
