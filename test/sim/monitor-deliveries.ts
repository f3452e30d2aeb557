/** Which deliveries a poll must have made: one to each subscription that wants to hear of what followed, and no others. */
import type { PollResult } from '../../src/store/polls.ts'
import { crosses, type Expected, matches, type TaskView } from './oracle.ts'
import { short } from './upstream.ts'
import type { World } from './world.ts'

/** Says what is wrong with a task. */
export type Wrong = (token: string, what: string, details: unknown) => void

/** A subscription that goes on. */
export interface Live {
  id: number
  events: string
  step: number
  awaits: number
  expiresAt: number
  lastDelivery: number
}

const liveSql = `select s.id, s.events, s.percent_step as step, s.awaits_state as awaits, s.expires_at as expiresAt,
  coalesce((select max(id) from deliveries where subscription_id = s.id), 0) as lastDelivery
  from subscriptions s where s.task_token = ? and s.end_state is null order by s.id`

/** Before a commit, so that what it makes can be told from what was there. */
export const liveOf = (world: World, token: string): Live[] => world.rows<Live>(liveSql, token)

/** @param of.stalledAfterMs how long an expiry may be put off while nobody can be asked */
export function createDeliveryWatch(world: World, of: { stalledAfterMs: number; wrong: Wrong }) {
  const { stalledAfterMs, wrong } = of

  function checkDeliveries(of: {
    result: PollResult
    live: readonly Live[]
    was: TaskView
    view: TaskView
    expected: readonly Expected[]
  }): void {
    const { result, live, was, view, expected } = of
    for (const to of live) {
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

  return { checkDeliveries }
}
