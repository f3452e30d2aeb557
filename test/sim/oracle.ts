/**
 * What the contract says must follow from an answer, written anew from CONTRACT §3 and §5 and sharing no
 * code with src: the relay is measured against it.
 */

/** Wall clock and elapsed time. */
export interface Since {
  wall: number
  at: number
}

export interface TaskView {
  seq: number
  status: string | null
  percent: number | null
  end: string | null
  regressed: boolean
  stalled: boolean
  /** Of the first failed call in a row. */
  failing: Since | null
  unknownSince: Since | null
}

export interface Expected {
  type: string
  status: string | null
  percent: number | null
}

export const newTask = (): TaskView => ({
  seq: 0,
  status: null,
  percent: null,
  end: null,
  regressed: false,
  stalled: false,
  failing: null,
  unknownSince: null,
})

const rankOf: Record<string, number> = {
  downloading: 1,
  created: 1,
  new: 1,
  started: 1,
  queued: 2,
  encoding: 3,
  processing: 3,
  saving: 4,
}
const endOf: Record<string, string> = {
  completed: 'completed',
  saved: 'completed',
  error: 'failed',
  failed: 'failed',
  canceled: 'cancelled',
  cancelled: 'cancelled',
}

interface Seen {
  status: string | null
  percent: number | null
  end: string | null
}

function isNone(value: unknown): boolean {
  return value === undefined || value === null || value === 'None'
}

function see(entry: Record<string, unknown>): Seen {
  const word = isNone(entry.status) ? null : String(entry.status).trim().toLowerCase()
  const percent = isNone(entry.percent) ? null : Number(entry.percent)
  const error = isNone(entry.error) ? 0 : Number(entry.error)
  if (error !== 0) return { status: 'failed', percent, end: 'failed' }
  const end = word === null ? null : (endOf[word] ?? null)
  if (end !== null) return { status: end, percent, end }
  return {
    status: word !== null && !/^[a-z][a-z0-9_]{0,31}$/.test(word) ? 'unknown' : word,
    percent,
    end: null,
  }
}

export function crosses(before: number | null, after: number | null, step: number): boolean {
  return Math.floor((before ?? 0) / step + 1e-9) !== Math.floor((after ?? 0) / step + 1e-9)
}

function goesBack(task: TaskView, seen: Seen): boolean {
  if (seen.end !== null) return false
  if (seen.status !== null && seen.status !== task.status) {
    const [was, is] = [rankOf[task.status ?? ''], rankOf[seen.status]]
    return was !== undefined && is !== undefined && is < was
  }
  return seen.percent !== null && task.percent !== null && seen.percent < task.percent
}

/** Takes one status object in. @returns the transitions that must be recorded, in order */
export function takeEntry(
  task: TaskView,
  entry: Record<string, unknown>,
  steps: readonly number[],
): Expected[] {
  const expected = takeAnswer(task)
  task.unknownSince = null
  const seen = see(entry)
  const back = goesBack(task, seen)
  if (back && !task.regressed) {
    task.regressed = true
    return expected
  }
  // That it is lost was not upstream's word.
  const status = seen.status ?? (task.status === 'lost' ? null : task.status)
  const percent = seen.percent ?? task.percent
  const moved = steps.some((step) => crosses(task.percent, percent, step))
  const changed = status !== null && (seen.end !== null || status !== task.status || moved)
  task.regressed = changed ? false : back
  if (!changed) return expected
  const type = status === task.status && seen.end === null ? 'task.progress' : `task.${status}`
  return [...expected, record(task, { type, status, percent }, seen.end)]
}

/** No entry for the token, where upstream itself did answer. @param lost it has been so for POLLHOOK_LOST_AFTER */
export function takeUnknown(task: TaskView, lost: boolean): Expected[] {
  const expected = takeAnswer(task)
  if (!lost) return expected
  return [...expected, record(task, { type: 'task.lost', status: 'lost', percent: task.percent }, 'lost')]
}

export function takeStall(task: TaskView): void {
  record(task, { type: 'task.stalled', status: task.status, percent: task.percent }, null)
  task.stalled = true
}

/** A registration makes a task that was not polled polled again. */
export function reopen(task: TaskView): void {
  Object.assign(task, { end: null, regressed: false, stalled: false, failing: null, unknownSince: null })
}

function takeAnswer(task: TaskView): Expected[] {
  task.failing = null
  if (!task.stalled) return []
  task.stalled = false
  return [record(task, { type: 'task.resumed', status: task.status, percent: task.percent }, null)]
}

function record(task: TaskView, expected: Expected, end: string | null): Expected {
  task.seq++
  task.status = expected.status
  task.percent = expected.percent
  task.end = end
  return expected
}

export function matches(patterns: readonly string[], type: string): boolean {
  return (
    patterns.includes('*') ||
    patterns.includes(type) ||
    (patterns.includes('task.*') && type.startsWith('task.'))
  )
}
