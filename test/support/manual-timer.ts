/** Timers for one piece of work: what waits runs when the test says so. */
export function manualTimer() {
  const timer = {
    ms: 0,
    cancelled: false,
    fire() {},
    after(ms: number, work: () => void) {
      Object.assign(timer, { ms, fire: work })
      return () => {
        timer.cancelled = true
      }
    },
  }
  return timer
}
