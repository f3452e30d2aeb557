import type { SeenEntries, StatusAnswer } from '../../src/ports.ts'

/** A scripted answer as the real upstream port gives it: what reads as before is the same object. */
export function asSeen(answer: StatusAnswer, seen: SeenEntries = () => undefined): StatusAnswer {
  if (answer.kind !== 'statuses') return answer
  const statuses = [...answer.statuses].map(([token, entry]): [string, Record<string, unknown>] => {
    const before = seen(token)
    return [token, before && JSON.stringify(before) === JSON.stringify(entry) ? before : entry]
  })
  return { ...answer, statuses: new Map(statuses) }
}
