/** A priority queue by due time in which an item can be moved or removed: the index that memory keeps. */

export interface Heap<T> {
  /** Adds the item or moves it. */
  set(item: T, at: number): void
  delete(item: T): void
  /** The earliest time in the heap; null when it is empty. */
  nextAt(): number | null
  /** Removes and returns the earliest item if it is due at `now`; undefined when none is. */
  takeDue(now: number): T | undefined
}

/** Knows its own place, so that what moves past it need not look it up. */
interface Node<T> {
  item: T
  at: number
  index: number
}

export function createHeap<T>(): Heap<T> {
  const nodes: Node<T>[] = []
  const nodeOf = new Map<T, Node<T>>()

  function put(index: number, node: Node<T>): void {
    nodes[index] = node
    node.index = index
  }

  function up(node: Node<T>): void {
    let index = node.index
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (nodes[parent]!.at <= node.at) break
      put(index, nodes[parent]!)
      index = parent
    }
    put(index, node)
  }

  function down(node: Node<T>): void {
    let index = node.index
    for (;;) {
      let child = 2 * index + 1
      if (child >= nodes.length) break
      if (child + 1 < nodes.length && nodes[child + 1]!.at < nodes[child]!.at) child++
      if (nodes[child]!.at >= node.at) break
      put(index, nodes[child]!)
      index = child
    }
    put(index, node)
  }

  function remove(item: T): void {
    const node = nodeOf.get(item)
    if (node === undefined) return
    nodeOf.delete(item)
    const last = nodes.pop()!
    if (last === node) return
    put(node.index, last)
    up(last)
    down(last)
  }

  return {
    set(item, at) {
      const known = nodeOf.get(item)
      if (known !== undefined) {
        known.at = at
        up(known)
        down(known)
        return
      }
      const node = { item, at, index: nodes.length }
      nodeOf.set(item, node)
      nodes.push(node)
      up(node)
    },
    delete: remove,
    nextAt: () => nodes[0]?.at ?? null,
    takeDue(now) {
      const first = nodes[0]
      if (first === undefined || first.at > now) return undefined
      remove(first.item)
      return first.item
    },
  }
}
