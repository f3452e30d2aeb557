/** One commit for what came together; where that fails, one for each: what SQLite refuses must not take the rest with it. */
import { didNotBegin } from '../store/transaction.ts'

/**
 * A commit that could not even begin is not tried again for each: every one would wait for the lock as long.
 * @param tryWrite writes all it is given in one commit, and answers null, or the error that kept it from there
 * @returns those that are not on disk, each with the error that kept it from there
 */
export function writeTogether<T>(
  items: readonly T[],
  tryWrite: (items: readonly T[]) => unknown,
): { item: T; error: unknown }[] {
  let error = tryWrite(items)
  if (error === null) return []
  const refused: { item: T; error: unknown }[] = []
  for (const item of items) {
    const why = items.length === 1 || didNotBegin(error) ? error : tryWrite([item])
    if (why === null) continue
    error = why
    refused.push({ item, error })
  }
  return refused
}
