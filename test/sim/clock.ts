/**
 * Virtual time: an event queue that jumps from event to event, with all promises settled between two of
 * them. `elapsed` only goes forward; `now` is what the relay reads and may be stepped.
 */
import { createHeap } from '../../src/engine/heap.ts'

export interface VirtualClock {
  /** Milliseconds since the simulation began. */
  elapsed(): number
  /** The wall clock of the machine: milliseconds since the epoch. */
  now(): number
  /** Moves the wall clock, not time. */
  step(ms: number): void
  /** Runs `work` in `ms`; work of the same instant runs in the order it was asked for. */
  after(ms: number, work: () => void): () => void
  /** Runs events until `done`, until none is left, or until `untilMs` has elapsed. */
  run(untilMs: number, done?: () => boolean): Promise<void>
}

const epoch = Date.parse('2026-11-23T10:00:00.000Z')
/** Room for so many events in one millisecond before order within it would be lost. */
const orderSpan = 2 ** 20
/** So many events without time passing are a busy loop. */
const spinsAfter = 20_000

interface Event {
  at: number
  work: () => void
}

export function createVirtualClock(): VirtualClock {
  const queue = createHeap<Event>()
  let elapsed = 0
  let offset = 0
  let order = 0
  let atOnce = 0

  /** One turn of Node's event loop: by then every settled promise has been followed to its end. */
  function drain(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  return {
    elapsed: () => elapsed,
    now: () => epoch + elapsed + offset,
    step(ms) {
      offset += ms
    },
    after(ms, work) {
      const event = { at: elapsed + Math.max(0, Math.ceil(ms)), work }
      order = (order + 1) % orderSpan
      queue.set(event, event.at * orderSpan + order)
      return () => queue.delete(event)
    },
    async run(untilMs, done = () => false) {
      await drain()
      while (!done()) {
        const event = queue.takeDue((untilMs + 1) * orderSpan - 1)
        if (event === undefined) {
          elapsed = Math.max(elapsed, untilMs)
          return
        }
        atOnce = event.at > elapsed ? 0 : atOnce + 1
        if (atOnce > spinsAfter) throw new Error(`it spins: ${atOnce} events in one millisecond`)
        elapsed = Math.max(elapsed, event.at)
        event.work()
        await drain()
      }
    },
  }
}
