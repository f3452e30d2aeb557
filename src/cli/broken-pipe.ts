/** What happens when the output cannot be written: a quiet end where its reader went, one line of trouble elsewhere. */
import { fail } from './output.ts'

/** The shell's own for a process that SIGPIPE ended, as in `pollhook deliveries | head -3`. */
const brokenPipeCode = 141

/** EIO of a terminal: it was closed. Elsewhere it is a disk that fails. */
function isReaderGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'ECONNRESET' || (code === 'EIO' && process.stdout.isTTY)
}

/**
 * What waits for a signal is told to stop, so that a relay drains and `watch` takes its subscriptions back.
 * @returns how a command whose work is not its output says so: then a full disk does not end it
 */
export function endWithReader(): { outliveFullDisk(): void } {
  let ended = false
  let outlives = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (ended || (outlives && !isReaderGone(error))) return
    ended = true
    if (isReaderGone(error)) process.exitCode ??= brokenPipeCode
    else fail(`the output cannot be written: ${error.message}`)
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit()
  })
  // Trouble that nobody reads is no more trouble.
  process.stderr.on('error', () => {})
  return {
    outliveFullDisk() {
      outlives = true
    },
  }
}
