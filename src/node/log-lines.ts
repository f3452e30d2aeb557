/**
 * Log lines on their way out. Where nobody reads stdout, a stalled shipper say, they would pile up in memory without
 * bound (DESIGN §3.9): beyond a limit they are dropped, and counted; so are those that a full disk does not take. Knows
 * nothing of what they say.
 */
import { writeSync } from 'node:fs'
import type { Writable } from 'node:stream'

const waitingBytesMax = 2 ** 20

/**
 * @param stream once it has failed its file is written to directly: it may take nothing any more, or drop what it took
 * @returns writes a line or drops it; when the next can be written again, a line of its own says how many were dropped
 */
export function createLineWriter(stream: Writable & { fd?: number }): (line: string) => void {
  let dropped = 0
  let failed = false
  stream.on('error', () => {
    failed = true
    dropped += 1
  })
  const take = () => {
    const line = {
      time: new Date().toISOString(),
      level: 'warn',
      message: 'log lines dropped',
      lines: dropped,
    }
    dropped = 0
    return `${JSON.stringify(line)}\n`
  }
  const tryDirectly = (line: string) => {
    const before = dropped
    // What was written last may have been cut off.
    const text = before > 0 ? `\n${take()}${line}` : line
    try {
      if (writeSync(stream.fd ?? 1, text) < Buffer.byteLength(text)) dropped = before + 1
    } catch {
      dropped = before + 1
    }
  }
  return (line) => {
    if (failed) return tryDirectly(line)
    if (stream.writableLength < waitingBytesMax) {
      try {
        stream.write(line)
      } catch {
        // A stream of a file that throws what it should tell.
        failed = true
        dropped += 1
      }
      return
    }
    if (dropped === 0) stream.once('drain', () => stream.write(take()))
    dropped += 1
  }
}
