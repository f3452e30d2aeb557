/** A priority queue by due time in which an item can be moved or removed: the index that memory keeps. */

export interface Heap<T> {
  /** Adds the item or moves it. */
  set(item: T, at: number): void
  delete(item: T): void
  /** The earliest time in the heap; null when it is empty. */
  nextAt(): number | null
  /** Removes and returns the earliest item if it is due at `now`; undefined when none is. */
  takeDue(now: number): T | undefined
  size(): number
}

export function createHeap<T>(): Heap<T> {
  const items: { item: T; at: number }[] = []
  const places = new Map<T, number>()

  function put(index: number, entry: { item: T; at: number }): void {
    items[index] = entry
    places.set(entry.item, index)
  }

  function up(start: number): void {
    let index = start
    const entry = items[index]!
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (items[parent]!.at <= entry.at) break
      put(index, items[parent]!)
      index = parent
    }
    put(index, entry)
  }

  function down(start: number): void {
    let index = start
    const entry = items[index]!
    for (;;) {
      let child = 2 * index + 1
      if (child >= items.length) break
      if (child + 1 < items.length && items[child + 1]!.at < items[child]!.at) child++
      if (items[child]!.at >= entry.at) break
      put(index, items[child]!)
      index = child
    }
    put(index, entry)
  }

  function remove(item: T): void {
    const index = places.get(item)
    if (index === undefined) return
    places.delete(item)
    const last = items.pop()!
    if (index === items.length) return
    put(index, last)
    up(index)
    down(places.get(last.item)!)
  }

  return {
    set(item, at) {
      const index = places.get(item)
      if (index === undefined) {
        items.push({ item, at })
        up(items.length - 1)
        return
      }
      items[index]!.at = at
      up(index)
      down(places.get(item)!)
    },
    delete: remove,
    nextAt: () => items[0]?.at ?? null,
    takeDue(now) {
      const first = items[0]
      if (first === undefined || first.at > now) return undefined
      remove(first.item)
      return first.item
    },
    size: () => items.length,
  }
}
