/**
 * Log lines on their way out. Where nobody reads stdout, a stalled shipper say, they would pile up in memory without
 * bound (DESIGN §3.9): beyond a limit they are dropped, and counted. Knows nothing of what they say.
 */
import type { Writable } from 'node:stream'

const waitingBytesMax = 2 ** 20

/** @returns writes a line or drops it; when all that waits has been read, a line of its own says how many were dropped */
export function createLineWriter(stream: Writable): (line: string) => void {
  let dropped = 0
  const tell = () => {
    const line = {
      time: new Date().toISOString(),
      level: 'warn',
      message: 'log lines dropped',
      lines: dropped,
    }
    dropped = 0
    stream.write(`${JSON.stringify(line)}\n`)
  }
  return (line) => {
    if (stream.writableLength < waitingBytesMax) {
      stream.write(line)
      return
    }
    if (dropped === 0) stream.once('drain', tell)
    dropped += 1
  }
}
