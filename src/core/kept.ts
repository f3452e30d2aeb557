/** What anyone may ask for is made once. Knows nothing of what it is. */

/**
 * What `make` makes, once for all who ask; what is null or failed is made again. Whoever asks and does not read would hold a
 * copy of their own for as long as they like, and of thousands who ask at once each would have the file opened.
 */
export function kept<T>(make: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | null = null
  const forget = () => {
    known = null
  }
  return () => {
    if (known === null) {
      known = make()
      void known.then((made) => made ?? forget(), forget)
    }
    return known
  }
}
