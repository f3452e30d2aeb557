/**
 * Stands between the engine and its store and holds every commit against the oracle: each answer must have
 * led to exactly the transitions and deliveries that the contract asks for, and none may be forgotten.
 */
import type { PollResult } from '../../src/store/polls.ts'
import type { Store } from '../../src/store/store.ts'
import type { Poll } from './history.ts'
import { createDeliveryWatch, type Live, liveOf } from './monitor-deliveries.ts'
import { createOutages } from './monitor-outages.ts'
import { type Expected, newTask, reopen, type TaskView, takeEntry, takeUnknown } from './oracle.ts'
import { createQuotaWatch } from './quota-watch.ts'
import { short } from './upstream.ts'
import type { Life, World } from './world.ts'

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

export function createMonitor(world: World) {
  const tasks = new Map<string, TaskView>()
  const pending = new Map<string, Pending>()
  /** When a registration had a task polled again: calls from before are nobody's any more. */
  const reopened = new Map<string, number>()
  const quotaWatch = createQuotaWatch(world)
  const outages = createOutages(world)
  const deliveryWatch = createDeliveryWatch(world, { stalledAfterMs: outages.stalledAfterMs, wrong })

  function viewOf(token: string): TaskView {
    const view = tasks.get(token) ?? newTask()
    tasks.set(token, view)
    return view
  }

  function look(token: string): Before {
    const [row] = world.rows<{ polling: number }>('select polling from tasks where token = ?', token)
    return { polling: row?.polling === 1, live: liveOf(world, token) }
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
        return takeUnknown(view, outages.isLost(view, actual))
      case 'failed':
        view.failing ??= outages.since()
        return outages.stallOf(view, actual)
    }
  }

  function checkResult(result: PollResult, before: Before): void {
    const { token } = result
    const view = viewOf(token)
    if (!before.polling) return
    outages.checkStallWasTold(view, token)
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
    deliveryWatch.checkDeliveries({ result, live: before.live, was, view, expected })
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
