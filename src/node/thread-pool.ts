/** libuv's thread pool, where names are looked up: how large it is, and how much of it callbacks may take. */

/** A lookup may hang for many seconds, and libuv leaves half of the threads to files. An idle one costs some pages of stack. */
const threads = 16
/** Upstream's names are looked up beside those of callbacks. */
const keptForUpstream = 2

/** To be called before anything uses the pool, which is made then. What the operator has set stays. */
export function widenThreadPool(): void {
  process.env.UV_THREADPOOL_SIZE ??= String(threads)
}

/** libuv looks names up in half of its threads, rounded up; it has four unless told otherwise. */
export function callbackLookupsMax(): number {
  const size = Number.parseInt(process.env.UV_THREADPOOL_SIZE ?? '4', 10) || 1
  return Math.max(1, Math.ceil(size / 2) - keptForUpstream)
}
