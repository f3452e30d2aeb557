/**
 * Log lines on their way out. Where nobody reads stdout, a stalled shipper say, they would pile up in memory without
 * bound (DESIGN §3.9): beyond a limit they are dropped, and counted; so are those that a full disk does not take. Knows
 * nothing of what they say.
 */
import { writeSync } from 'node:fs'
import type { Writable } from 'node:stream'

const waitingBytesMax = 2 ** 20

/**
 * @param stream once it has failed it takes nothing any more, and its file is written to directly
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
    try {
      // What was written last may have been cut off.
      writeSync(stream.fd ?? 1, before > 0 ? `\n${take()}${line}` : line)
    } catch {
      dropped = before + 1
    }
  }
  return (line) => {
    if (failed) return tryDirectly(line)
    if (stream.writableLength < waitingBytesMax) {
      stream.write(line)
      return
    }
    if (dropped === 0) stream.once('drain', () => stream.write(take()))
    dropped += 1
  }
}
