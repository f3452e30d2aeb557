/** The attempt log is a column of the delivery, written by the settle itself (DESIGN §4). */
import type { Outcome } from '../core/outcome.ts'
import type { AttemptRecord } from './records.ts'

const attemptsKept = 20

/**
 * The log of a new delivery: blanks where the first entry will stand. A row that grows when it is settled does not fit its
 * page any more, and splitting pages costs more than the settle (docs/performance.md).
 */
export const emptyLog = `[${' '.repeat(240)}]`

export interface LoggedAttempt {
  attempt: number
  at: number
  durationMs: number
  url: string
  outcome: Outcome
}

/** The log of a delivery whose only attempt this is. */
export function firstAttempt(attempt: LoggedAttempt): string {
  return JSON.stringify([toRecord(attempt)])
}

/** @returns the log as JSON text, oldest first, the newest 20 */
export function appendAttempt(log: string, attempt: LoggedAttempt): string {
  const entries = readAttempts(log)
  if (entries.length === 0) return firstAttempt(attempt)
  const entry = JSON.stringify(toRecord(attempt))
  if (entries.length < attemptsKept) return `${log.slice(0, -1)},${entry}]`
  return JSON.stringify([...entries.slice(1 - attemptsKept), toRecord(attempt)])
}

export function readAttempts(log: string): AttemptRecord[] {
  return JSON.parse(log) as AttemptRecord[]
}

function toRecord({ attempt, at, durationMs, url, outcome }: LoggedAttempt): AttemptRecord {
  return {
    attempt,
    at,
    url,
    outcome: outcome.kind,
    statusCode: 'statusCode' in outcome ? outcome.statusCode : null,
    errorCode: 'errorCode' in outcome ? outcome.errorCode : null,
    durationMs,
    responseBody: 'responseBody' in outcome ? outcome.responseBody : null,
  }
}
