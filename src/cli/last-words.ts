/** What `pollhook serve` says when a bug ends it: one JSON log line like every other, then exit code 1. */
import { createLog } from '../log.ts'

/** SQLite survives an exit at any moment; going on in a state that nobody foresaw is worse. */
export function exitOnBugs(write: (line: string) => void): void {
  const die = (error: unknown, origin: string) => {
    createLog('error', write).error('ended by a bug', { error, origin })
    process.exit(1)
  }
  process.on('uncaughtException', die)
  process.on('unhandledRejection', (error) => die(error, 'unhandledRejection'))
}
