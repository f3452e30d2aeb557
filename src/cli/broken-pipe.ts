/** What happens when the output cannot be written: a quiet end where its reader went, one line of trouble elsewhere. */
import { fail } from './output.ts'

/** The shell's own for a process that SIGPIPE ended, as in `pollhook deliveries | head -3`. */
const brokenPipeCode = 141

/** EIO: the terminal was closed. */
const readerGone = ['EPIPE', 'EIO']

/**
 * What waits for a signal is told to stop, so that a relay drains and `watch` takes its subscriptions back.
 * @returns how a command whose work is not its output says so: then a full disk does not end it
 */
export function endWithReader(): { outliveFullDisk(): void } {
  let ended = false
  let outlives = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (ended || (outlives && !readerGone.includes(error.code ?? ''))) return
    ended = true
    if (readerGone.includes(error.code ?? '')) process.exitCode ??= brokenPipeCode
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
