/** What happens when the reader of the output goes, as in `pollhook deliveries | head -3`: a quiet end. */

/** The shell's own for a process that SIGPIPE ended. */
const brokenPipeCode = 141

/** What waits for a signal is told to stop, so that a relay drains and `watch` takes its subscriptions back. */
export function endWithReader(): void {
  let ended = false
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (ended) return
    ended = true
    process.exitCode = brokenPipeCode
    if (!process.emit('SIGTERM', 'SIGTERM')) process.exit()
  })
  // Trouble that nobody reads is no more trouble.
  process.stderr.on('error', () => {})
}
