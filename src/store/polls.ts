/**
 * What polls learned, written down: snapshots, transitions, deliveries, expiries, in one transaction
 * or not at all (DESIGN §3.3). Knows nothing of hosts, calls or schedules.
 */
import { ownerOfRow } from '../core/ids.ts'
import { eventResult, noResult, type StoredResult } from '../core/payload.ts'
import { eventMatches, wants } from '../core/subscription.ts'
import type { Change } from '../core/transition.ts'
import type { StoreContext } from './context.ts'
import { nextSeq, readNumbering } from './numbering.ts'
import { noteFailure } from './outage.ts'
import type { InFlight, OutboxVerbs, Queued } from './outbox.ts'
import { applyAnswer, nothingStored, type PollAnswer, storedResult } from './poll-answer.ts'
import type { LiveSubscription, RecipientVerbs } from './recipients.ts'
import type { PolledTask, Snapshot, TaskRow, TaskVerbs } from './tasks.ts'
import { inTransaction } from './transaction.ts'
import type { Watch } from './watches.ts'

export interface PollResult {
  token: string
  answer: PollAnswer
  /** Subscriptions whose time ran out before this poll began are expired by it. */
  polledAt: number
  /** But for one that could not ask anybody: theirs is still to come. */
  awaitsLastPoll?: boolean
}

export interface PollLimits {
  lostAfterMs: number
  stalledAfterMs: number
  /** Longest that a poll which fails is under way. */
  pollMsMax: number
}

export interface PollRecord {
  token: string
  /** Null: not polled any more. */
  watch: Watch | null
  changes: Change[]
  queued: Queued[]
  /** The owner of each subscription that is no longer active or paused. */
  released: readonly number[]
}

/** What the results of one commit share. */
interface Recording {
  limits: PollLimits
  now: number
  inFlight: InFlight
}

/** As the results before left it: a task may be in one group twice. */
interface TaskState extends PolledTask {
  live: LiveSubscription[]
}

const empty: Snapshot = { seq: 0, type: '', status: null, percent: null, at: 0 }

export function pollVerbs(
  { db }: StoreContext,
  verbs: { tasks: TaskVerbs; outbox: OutboxVerbs; recipients: RecipientVerbs },
) {
  const { tasks, outbox, recipients } = verbs
  const numbering = readNumbering(db)

  /** The tasks of `results` that are polled. */
  function readStates(results: readonly PollResult[]): Map<string, TaskState> {
    const polled = tasks.polledTasks(results.map(({ token }) => token))
    const live = recipients.liveSubscriptions([...polled.keys()])
    return new Map([...polled].map(([token, task]) => [token, { ...task, live: live.get(token) ?? [] }]))
  }

  function record(state: TaskState, result: PollResult, recording: Recording): PollRecord {
    const { row, live } = state
    const { now, inFlight } = recording
    const { changes, next } = applyAnswer(state, result.answer, recording)
    const stored = storedResult(result.answer, changes)
    const queued: Queued[] = []
    let snapshot = state.snapshot ?? empty
    for (const change of changes) {
      const before = snapshot
      snapshot = { ...change, seq: nextSeq(before.seq, row, numbering), at: now }
      // Of two changes only the last can be an end, and the result is of that.
      const result = change.end === null ? nothingStored : stored
      tasks.addTransition(row.token, snapshot.seq, change, now, result)
      for (const to of live) {
        // Its first event is the state itself, under the same seq.
        if (to.awaitsState === 1 && change.type === 'task.progress') continue
        if (!wants(to, change, before.percent)) continue
        queued.push(outbox.enqueue(to, eventOf(change, snapshot, before, result), now, inFlight))
        // It knows the state by that: later polls owe it nothing.
        if (to.awaitsState === 1 && change.type !== 'task.stalled') stateGiven(to)
      }
    }
    if (result.answer.kind === 'known') giveState(live, snapshot, recording, queued)
    const remaining: LiveSubscription[] = []
    // Those of a task that has ended are complete.
    for (const to of next.end === null ? live : []) {
      if (result.awaitsLastPoll === true || to.expiresAt > result.polledAt) remaining.push(to)
      else queued.push(...expire(to, state.row, snapshot, recording))
    }
    if (remaining.length === 0) next.polling = 0
    tasks.saveTask(row, next)
    state.row = next
    state.snapshot = snapshot.seq === 0 ? null : snapshot
    state.live = remaining
    const watch = next.polling === 1 ? watchOf(next, snapshot, remaining) : null
    return { token: row.token, watch, changes, queued, released: ownersOf(live, remaining) }
  }

  /**
   * The first event of those who registered while the task was known but not polled (CONTRACT §5.1).
   * @param queued it is added to these
   */
  function giveState(
    live: readonly LiveSubscription[],
    snapshot: Snapshot,
    { now, inFlight }: Recording,
    queued: Queued[],
  ): void {
    for (const to of live) {
      if (to.awaitsState === 0) continue
      const type = `task.${snapshot.status}`
      const isKnown = snapshot.status !== null && snapshot.status !== 'lost'
      if (isKnown && eventMatches(to.events, type)) {
        const event = { ...snapshot, type, previous: null, error: null, result: noResult }
        queued.push(outbox.enqueue(to, event, now, inFlight))
      }
      stateGiven(to)
    }
  }

  function stateGiven(to: LiveSubscription): void {
    recipients.markStateGiven(to.id)
    to.awaitsState = 0
  }

  /** @returns what tells of it, if that is wanted */
  function expire(
    to: LiveSubscription,
    task: TaskRow,
    { status, percent, seq: last }: Snapshot,
    { now, inFlight }: Recording,
  ): Queued[] {
    const previous = last === 0 ? null : { status, percent }
    const seq = nextSeq(last, task, numbering)
    const event = { type: 'task.expired', at: now, seq, status, percent, previous }
    const queued = eventMatches(to.events, event.type)
      ? [outbox.enqueue(to, { ...event, error: null, result: noResult }, now, inFlight)]
      : []
    recipients.endSubscription(to.id, 'expired', null, now)
    return queued
  }

  return {
    /**
     * What some polls taught, in one commit. Result by result in the order given; a task that is not polled any more
     * is skipped.
     */
    recordPoll(
      results: readonly PollResult[],
      limits: PollLimits,
      now: number,
      inFlight: InFlight,
    ): PollRecord[] {
      return inTransaction(db, () => {
        if (results.some(({ answer }) => answer.kind === 'failed')) {
          noteFailure(db, limits, Math.min(...results.map(({ polledAt }) => polledAt)), now)
        }
        const states = readStates(results)
        const recording = { limits, now, inFlight }
        return results.map((result) => {
          const state = states.get(result.token)
          if (state === undefined || state.row.polling === 0) return notPolled(result.token)
          return record(state, result, recording)
        })
      })
    },
  }
}

function notPolled(token: string): PollRecord {
  return { token, watch: null, changes: [], queued: [], released: [] }
}

/** A pause outlasts the end of the task and of the subscription's time. */
function ownersOf(live: readonly LiveSubscription[], remaining: readonly LiveSubscription[]): number[] {
  if (remaining.length === live.length) return []
  const stay = new Set(remaining)
  return live.filter((to) => to.paused === 0 && !stay.has(to)).map(({ id }) => ownerOfRow(id))
}

function eventOf(change: Change, snapshot: Snapshot, before: Snapshot, stored: StoredResult) {
  const previous = before.seq === 0 ? null : { status: before.status, percent: before.percent }
  return { ...snapshot, previous, error: change.error, result: eventResult(stored) }
}

function watchOf(row: TaskRow, snapshot: Snapshot, live: readonly LiveSubscription[]): Watch {
  return {
    token: row.token,
    statusUrl: row.statusUrl,
    status: snapshot.status,
    percent: snapshot.percent,
    changedAt: snapshot.seq === 0 ? row.createdAt : snapshot.at,
    steps: [...new Set(live.map((to) => to.percentStep))],
    // Not as arguments of one call, which takes some 120,000.
    expiresAt: live.reduce((first, to) => Math.min(first, to.expiresAt), Number.POSITIVE_INFINITY),
    regressed: row.regressedAt !== null,
    stalled: row.stalled === 1,
    unknownSince: row.unknownSince,
    askedAlone: row.askedAlone === 1,
    failingSince: row.failingSince,
    awaitsState: live.some((to) => to.awaitsState === 1),
  }
}
