/** Work that must not take longer than it may. The timer is the runtime's. */

/**
 * @param late what counts in place of the answer of `work` when that is not there after `ms`; may throw. What becomes of
 *   `work` then, a failure too, is nobody's matter.
 */
export function within<T, L>(
  timers: { after(ms: number, work: () => void): () => void },
  ms: number,
  work: PromiseLike<T>,
  late: () => L,
): Promise<T | L> {
  return new Promise((resolve, reject) => {
    const cancelTimer = timers.after(ms, () => {
      try {
        resolve(late())
      } catch (error) {
        reject(error)
      }
    })
    work.then(
      (answer) => {
        cancelTimer()
        resolve(answer)
      },
      (error: unknown) => {
        cancelTimer()
        reject(error)
      },
    )
  })
}
