/**
 * Puts an entry last, as the newest: a Map keeps the order in which its entries came.
 * @param entriesMax beyond so many the oldest goes
 */
export function putNewest<K, V>(entries: Map<K, V>, key: K, value: V, entriesMax: number): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size <= entriesMax) return
  const oldest = entries.keys().next()
  if (!oldest.done) entries.delete(oldest.value)
}
