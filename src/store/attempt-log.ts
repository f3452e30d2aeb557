/** The attempt log is a column of the delivery, written by the settle itself (DESIGN §4). */
import type { Outcome } from '../core/outcome.ts'
import type { AttemptRecord } from './records.ts'

const attemptsKept = 20

export interface LoggedAttempt {
  attempt: number
  at: number
  durationMs: number
  url: string
  outcome: Outcome
}

/** @returns the log as JSON text, oldest first, the newest 20 */
export function appendAttempt(log: string, attempt: LoggedAttempt): string {
  const entry = JSON.stringify(toRecord(attempt))
  if (log === '[]') return `[${entry}]`
  const entries = JSON.parse(log) as AttemptRecord[]
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
    responseBody: outcome.kind === 'rejected' ? outcome.responseBody : null,
  }
}
