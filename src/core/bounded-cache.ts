/** Remembers what is costly to make, up to a fixed number of entries. Knows nothing of what it holds. */

/**
 * @param entriesMax the entry that was used longest ago makes room for a new one
 * @returns a `make` that runs once per key while the key is remembered; what throws is not remembered
 */
export function boundedCache<V>(entriesMax: number, make: (key: string) => V): (key: string) => V {
  const entries = new Map<string, { value: V }>()
  /** Often asked for again and again, as the secret of the only owner is. */
  let newest: string | undefined
  return (key) => {
    const known = entries.get(key)
    if (known !== undefined && key === newest) return known.value
    const entry = known ?? { value: make(key) }
    // A Map keeps insertion order: putting an entry back makes it the newest.
    if (known !== undefined) entries.delete(key)
    entries.set(key, entry)
    newest = key
    if (entries.size > entriesMax) {
      const oldest = entries.keys().next()
      if (!oldest.done) entries.delete(oldest.value)
    }
    return entry.value
  }
}
