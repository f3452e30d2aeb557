/**
 * How long upstream may fail, or not know a token, until that must be told as a stall or a loss. Crashes and clocks that are
 * set back excuse some of it.
 */
import { type Expected, type Since, type TaskView, takeStall } from './oracle.ts'
import { short } from './upstream.ts'
import type { World } from './world.ts'

export function createOutages(world: World) {
  const { poll: settings } = world.config
  const stalledAfterMs = 5 * settings.intervalMaxMs

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
      world.violate('3 stalls are told', `${short(token)}: no task.stalled after ${failingMs} ms`)
      view.failing = null
    }
  }

  return { stalledAfterMs, since, isLost, stallOf, checkStallWasTold }
}
