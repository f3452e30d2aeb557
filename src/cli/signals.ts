/** Waits for the person, or the service manager, to end the process. */

/**
 * npm forwards Ctrl-C to a process that the terminal has told already, so the same wish arrives twice. Only what
 * comes later than this is a second one.
 */
const repeatMs = 1_000

/** Resolves at the first SIGINT or SIGTERM. One more, when stopping takes too long, ends the process at once. */
export function untilSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let firstAt: number | null = null
    const onSignal = (signal: NodeJS.Signals) => {
      if (firstAt === null) {
        firstAt = Date.now()
        resolve(signal)
      } else if (Date.now() - firstAt > repeatMs) {
        process.exit(1)
      }
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
}
