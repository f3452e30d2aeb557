/** How often each of some things is there. */
export interface Tally<T> {
  add(item: T): void
  remove(item: T): void
  count(item: T): number
}

export function createTally<T>(): Tally<T> {
  const counts = new Map<T, number>()
  return {
    add: (item) => void counts.set(item, (counts.get(item) ?? 0) + 1),
    remove(item) {
      const left = (counts.get(item) ?? 0) - 1
      if (left > 0) counts.set(item, left)
      else counts.delete(item)
    },
    count: (item) => counts.get(item) ?? 0,
  }
}
