/**
 * Stands between the engine and its store and holds every commit against the oracle: each answer must have
 * led to exactly the transitions and deliveries that the contract asks for, and none may be forgotten.
 */
import type { PollResult } from '../../src/store/polls.ts'
import type { Store } from '../../src/store/store.ts'
import type { Poll } from './history.ts'
import {
  crosses,
  type Expected,
  matches,
  newTask,
  reopen,
  type Since,
  type TaskView,
  takeEntry,
  takeStall,
  takeUnknown,
} from './oracle.ts'
import { createQuotaWatch } from './quota-watch.ts'
import { short } from './upstream.ts'
import type { Life, World } from './world.ts'

interface Live {
  id: number
  events: string
  step: number
  awaits: number
  expiresAt: number
  lastDelivery: number
}

interface Before {
  polling: boolean
  live: Live[]
}

/** An answer about a token that the engine has not written down yet. */
interface Pending {
  entry: Record<string, unknown> | null
  /** Something happened since that makes it impossible to say whether it was to be written. */
  excused: boolean
  /** Wall clock of the answer. */
  at: number
}

const liveSql = `select s.id, s.events, s.percent_step as step, s.awaits_state as awaits, s.expires_at as expiresAt,
  coalesce((select max(id) from deliveries where subscription_id = s.id), 0) as lastDelivery
  from subscriptions s where s.task_token = ? and s.end_state is null order by s.id`

export function createMonitor(world: World) {
  const tasks = new Map<string, TaskView>()
  const pending = new Map<string, Pending>()
  /** When a registration had a task polled again: calls from before are nobody's any more. */
  const reopened = new Map<string, number>()
  const quotaWatch = createQuotaWatch(world)
  const { poll: settings } = world.config
  const stalledAfterMs = 5 * settings.intervalMaxMs

  function viewOf(token: string): TaskView {
    const view = tasks.get(token) ?? newTask()
    tasks.set(token, view)
    return view
  }

  function look(token: string): Before {
    const [row] = world.rows<{ polling: number }>('select polling from tasks where token = ?', token)
    return { polling: row?.polling === 1, live: world.rows<Live>(liveSql, token) }
  }

  function wrong(token: string, what: string, details: unknown): void {
    world.violate('5 transitions', `${short(token)} ${what}: ${JSON.stringify(details)}`)
  }

  /** The engine's reading of a pass must be what upstream said in it. */
  function checkReading({ token, answer, polledAt }: PollResult): void {
    let seen = pending.get(token)
    if (
      answer.kind === 'failed' &&
      seen !== undefined &&
      (seen.at <= polledAt || world.history.steps.length > 0)
    ) {
      // From the pass before, perhaps of this moment, as answers take their time: this one could not ask anybody.
      checkNotForgotten(token)
      seen = undefined
    }
    pending.delete(token)
    const entry = seen?.entry ?? null
    const read = answer.kind === 'known' ? answer.observation.raw : null
    // Not the same object: one that reads as before may stand for it.
    if (JSON.stringify(read) !== JSON.stringify(entry))
      wrong(token, 'an answer was misread', { read: answer.kind, entry })
  }

  /** Whatever the last pass learned has been written down by now, or was no news. */
  function checkNotForgotten(token: string): void {
    const known = pending.get(token)
    pending.delete(token)
    if (known === undefined || known.excused || known.entry === null) return
    const { polling, live } = look(token)
    const steps = live.map(({ step }) => step)
    const expected = polling ? takeEntry({ ...viewOf(token) }, known.entry, steps) : []
    if (expected.length > 0) wrong(token, 'an answer was forgotten', { expected, entry: known.entry })
  }

  function expectedOf(
    view: TaskView,
    result: PollResult,
    before: Before,
    actual: readonly Expected[],
  ): Expected[] {
    const steps = before.live.map(({ step }) => step)
    switch (result.answer.kind) {
      case 'known':
        return takeEntry(view, result.answer.observation.raw, steps)
      case 'unknown':
        return takeUnknown(view, isLost(view, actual))
      case 'failed':
        view.failing ??= since()
        return stallOf(view, actual)
    }
  }

  function checkResult(result: PollResult, before: Before): void {
    const { token } = result
    const view = viewOf(token)
    if (!before.polling) return
    checkStallWasTold(view, token)
    const was = { ...view }
    const actual = world.rows<Expected>(
      'select type, status, percent from transitions where task_token = ? and seq > ? order by seq',
      token,
      was.seq,
    )
    const expected = expectedOf(view, result, before, actual)
    if (JSON.stringify(actual) !== JSON.stringify(expected)) {
      wrong(token, 'transitions differ', { expected, actual, was, entry: result.answer })
    }
    if (view.end !== null && was.end === null && view.end !== 'lost') {
      world.history.ends.push({ token, moment: world.moment(), end: view.end })
    }
    checkDeliveries({ result, before, was, view, expected })
  }

  function since(): Since {
    return { wall: world.clock.now(), at: world.clock.elapsed() }
  }

  /** Over a step back of the clock it is counted between what the clock says and what has passed: there the relay is believed. */
  function isLost(view: TaskView, actual: readonly Expected[]): boolean {
    view.unknownSince ??= since()
    const { wall, at } = view.unknownSince
    const forward = world.history.steps.filter((step) => step.ms > 0 && step.at >= at)
    const most = world.clock.elapsed() - at + forward.reduce((sum, { ms }) => sum + ms, 0)
    if (world.clock.now() - wall >= settings.lostAfterMs) return true
    return most >= settings.lostAfterMs && actual.at(-1)?.type === 'task.lost'
  }

  /** A stall may be told late, but never early. */
  function stallOf(view: TaskView, actual: readonly Expected[]): Expected[] {
    if (actual.length === 0) return []
    const early = world.clock.now() - view.failing!.wall < stalledAfterMs && world.history.steps.length === 0
    if (early || view.stalled) return []
    const stall = { type: 'task.stalled', status: view.status, percent: view.percent }
    takeStall(view)
    return [stall]
  }

  function checkStallWasTold(view: TaskView, token: string): void {
    if (view.failing === null || view.stalled) return
    const { at } = view.failing
    const slackMs = 3 * settings.intervalMaxMs + 2 * settings.timeoutMs
    const { crashes, steps } = world.history
    const disturbed = steps.length > 0 || crashes.some((moment) => moment.at >= at)
    const failingMs = world.clock.elapsed() - at
    if (!disturbed && failingMs > stalledAfterMs + slackMs) {
      wrong(token, 'no task.stalled', { failingMs })
      view.failing = null
    }
  }

  function checkDeliveries(of: {
    result: PollResult
    before: Before
    was: TaskView
    view: TaskView
    expected: readonly Expected[]
  }): void {
    const { result, before, was, view, expected } = of
    for (const to of before.live) {
      const events = JSON.parse(to.events) as string[]
      const wanted: { type: string; seq: number }[] = []
      let percent = was.percent
      for (const [i, change] of expected.entries()) {
        const progress = change.type === 'task.progress'
        const told = !progress || crosses(percent, change.percent, to.step)
        percent = change.percent
        if (told && matches(events, change.type)) wanted.push({ type: change.type, seq: was.seq + 1 + i })
      }
      const waits = result.awaitsLastPoll === true
      const expires = view.end === null && !waits && to.expiresAt <= result.polledAt
      if (expires) checkLastPoll(result.token, to.expiresAt)
      if (expires && matches(events, 'task.expired')) wanted.push({ type: 'task.expired', seq: view.seq + 1 })
      const made = world.rows<{ type: string; seq: number }>(
        'select type, seq from deliveries where subscription_id = ? and id > ? and rank > 0 order by id',
        to.id,
        to.lastDelivery,
      )
      const same = JSON.stringify(made) === JSON.stringify(wanted)
      if (!same && to.awaits === 0) wrong(result.token, 'deliveries differ', { to: to.id, wanted, made })
    }
  }

  /** "Its `expires_in` ran out, after one last poll": for as long as a stall takes somebody must be asked first. */
  function checkLastPoll(token: string, expiresAt: number): void {
    const { polls, steps } = world.history
    if (steps.length > 0 || world.clock.now() >= expiresAt + stalledAfterMs) return
    const asked = polls.some((poll) => poll.start.wall >= expiresAt && poll.tokens.includes(token))
    if (!asked) world.violate('3 last poll', `${short(token)} expired, and nobody was asked`)
  }

  function recordPoll(store: Store, life: Life): Store['recordPoll'] {
    return (results, limits, now, inFlight) => {
      if (!life.alive()) return store.recordPoll(results, limits, now, inFlight)
      const before = results.map(({ token }) => look(token))
      const commits = world.commits()
      try {
        return store.recordPoll(results, limits, now, inFlight)
      } finally {
        if (world.commits() > commits) {
          for (const [i, result] of results.entries()) {
            if (life.alive()) checkReading(result)
            checkResult(result, before[i]!)
          }
        } else {
          for (const { token } of results) excuse(token)
        }
      }
    }
  }

  function subscribe(store: Pick<Store, 'subscribe'>): Store['subscribe'] {
    return (inputs, now, claims) => {
      const unpolled = new Set(
        inputs.map(({ taskToken }) => taskToken).filter((token) => !look(token).polling),
      )
      for (const { taskToken } of inputs) excuse(taskToken)
      const commits = world.commits()
      try {
        return store.subscribe(inputs, now, claims)
      } finally {
        if (world.commits() > commits) {
          for (const token of unpolled) {
            if (!look(token).polling) continue
            reopen(viewOf(token))
            reopened.set(token, world.moment().order)
          }
        }
      }
    }
  }

  function settleDeliveries(store: Store): Store['settleDeliveries'] {
    return (items, health, schedules, now) => {
      const commits = world.commits()
      try {
        return store.settleDeliveries(items, health, schedules, now)
      } finally {
        if (world.commits() > commits) {
          for (const { delivery, outcome } of items) {
            const [row] = world.rows<{ state: string }>(
              'select state from deliveries where id = ?',
              delivery.id,
            )
            const state = row?.state ?? 'gone'
            world.history.settlements.push({
              moment: world.moment(),
              deliveryId: delivery.id,
              outcome,
              state,
            })
          }
        }
      }
    }
  }

  function excuse(token: string): void {
    const known = pending.get(token)
    if (known !== undefined) known.excused = true
  }

  return {
    excuse,

    wrap: (store: Store, life: Life): Store => ({
      ...store,
      recordPoll: recordPoll(store, life),
      subscribe: subscribe({ subscribe: quotaWatch.subscribe(store) }),
      settleDeliveries: settleDeliveries(store),
    }),

    /** A new pass, or a part of one whose parts before brought nothing. */
    calling(poll: Poll): void {
      for (const token of poll.tokens) checkNotForgotten(token)
    },

    answered(poll: Poll): void {
      const { answer } = poll
      for (const token of poll.tokens) {
        const entry = answer?.kind === 'statuses' ? (answer.statuses.get(token) ?? null) : null
        if (poll.start.order < (reopened.get(token) ?? 0)) continue
        pending.set(token, { entry, excused: false, at: world.clock.now() })
      }
    },

    died(): void {
      pending.clear()
    },
  }
}

export type Monitor = ReturnType<typeof createMonitor>
