/** Remembers what is costly to make, up to a fixed number of entries. Knows nothing of what it holds. */
import { putNewest } from './newest.ts'

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
    putNewest(entries, key, entry, entriesMax)
    newest = key
    return entry.value
  }
}
