/** Waits for the person, the terminal or the service manager to end the process. */
import { constants } from 'node:os'

/**
 * npm forwards Ctrl-C to a process that the terminal has told already, so the same wish arrives twice. Only what
 * comes later than this is a second one.
 */
const repeatMs = 1_000

/** SIGHUP is a terminal that closes. nohup does not hold it off: Node puts back what it is told to ignore. */
const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Resolves at the first of them. One more, when stopping takes too long, ends the process at once. */
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
    for (const signal of endSignals) process.on(signal, onSignal)
  })
}

/** The shell's own for a process that this signal ended, e.g. 130 for SIGINT. */
export function codeOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}
