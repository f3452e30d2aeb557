/** The status calls that the simulator got, in a ring of bounded size. */
import type { StatusResult } from './answers.ts'

export interface RecordedCall {
  /** Origin that was asked. */
  host: string
  tokens: readonly string[]
  /** By the simulator's clock, in milliseconds. */
  at: number
  /** What went wrong with the call as a whole. */
  fault: StatusResult['fault']
}

export interface CallLog {
  record(call: RecordedCall): void
  /** Oldest first. */
  list(): RecordedCall[]
  /** Of all calls, forgotten ones too. */
  total(): number
}

export function createCallLog(callsMax: number): CallLog {
  const ring: RecordedCall[] = []
  let total = 0
  return {
    record(call) {
      ring[total % callsMax] = call
      total += 1
    },
    list() {
      const oldest = total % callsMax
      return total <= callsMax ? [...ring] : [...ring.slice(oldest), ...ring.slice(0, oldest)]
    },
    total: () => total,
  }
}
