/**
 * Open event streams (WHATWG HTML §9.2): each remembers one `seq` and reads on from the store when its task
 * is touched, so a slow reader costs no memory and an idle stream no polling. Knows no route.
 */
import { eventResult, renderEvent } from '../core/payload.ts'
import { createTally } from '../core/tally.ts'
import type { TransitionEvent } from '../store/records.ts'
import type { AppDeps } from './deps.ts'
import { safeText } from './failures.ts'

export const heartbeatMs = 15_000
/** So many times in between some of the streams beat: ten thousand at once would hold up everything else. */
export const beatTurns = 15
/** Transitions read from the store at a time. */
const batchMax = 50
/** Streams open at once; each holds a connection and a listener. */
const streamsMax = 10_000
/** Of one owner, so that none shuts the others out. */
const streamsOfOwnerMax = streamsMax / 2

export interface StreamRequest {
  ownerId: number
  taskToken: string
  /** The stream starts after this `seq`. */
  after: number
}

export interface Streams {
  /** False once the port is closing, or when too many are open: of all owners, or of this one. */
  accepting(ownerId: number): boolean
  /** Holds nothing until the body is first read: a HEAD request never reads it. */
  open(request: StreamRequest): ReadableStream<Uint8Array>
}

type StreamDeps = Pick<AppDeps, 'queries' | 'transitions' | 'every' | 'closing' | 'log'>

interface Listener {
  beat(): void
  wake(): void
}

/** One heartbeat timer and one listener on `closing` serve all streams. */
export function createStreams(deps: StreamDeps): Streams {
  /** Each with the turn in which it beats. */
  const listeners = new Map<Listener, number>()
  const ofOwners = createTally<number>()
  let joined = 0
  let turn = 0
  let stopBeat = (): void => {}
  deps.closing.addEventListener('abort', () => {
    for (const listener of listeners.keys()) listener.wake()
  })
  const join = (listener: Listener, ownerId: number): void => {
    ofOwners.add(ownerId)
    if (listeners.size === 0) {
      stopBeat = deps.every(heartbeatMs / beatTurns, () => {
        turn = (turn + 1) % beatTurns
        for (const [each, turnOfEach] of listeners) if (turnOfEach === turn) each.beat()
      })
    }
    listeners.set(listener, joined++ % beatTurns)
  }
  const leave = (listener: Listener, ownerId: number): void => {
    if (!listeners.delete(listener)) return
    ofOwners.remove(ownerId)
    if (listeners.size === 0) stopBeat()
  }
  return {
    accepting: (ownerId) =>
      !deps.closing.aborted && listeners.size < streamsMax && ofOwners.count(ownerId) < streamsOfOwnerMax,
    open: (request) => openStream(deps, request, { join, leave }),
  }
}

interface Registry {
  join(listener: Listener, ownerId: number): void
  leave(listener: Listener, ownerId: number): void
}

function openStream(
  deps: StreamDeps,
  request: StreamRequest,
  registry: Registry,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  const cursor = createCursor(deps, request)
  let resume = (): void => {}
  let unsubscribe: (() => void) | null = null
  let over = false
  const listener: Listener = {
    beat: () => {
      cursor.beat()
      resume()
    },
    wake: () => {
      cursor.touch()
      resume()
    },
  }
  const finish = (): void => {
    over = true
    registry.leave(listener, request.ownerId)
    unsubscribe?.()
    resume()
  }
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    if (unsubscribe === null) {
      // Listening starts before the first read of the store: a commit in between is not missed.
      unsubscribe = deps.transitions.subscribe(request.taskToken, listener.wake)
      registry.join(listener, request.ownerId)
    }
    while (!over) {
      const chunk = cursor.next()
      if (chunk === null) {
        finish()
        return controller.close()
      }
      if (chunk !== '') return controller.enqueue(encoder.encode(chunk))
      // Nothing ran since `next`, so no wake-up can fall between it and this wait.
      await new Promise<void>((resolve) => {
        resume = resolve
      })
    }
  }
  return new ReadableStream(
    {
      pull: (controller) =>
        pull(controller).catch((error: unknown) => {
          deps.log.error('event stream failed', {
            error: error instanceof Error ? safeText(error) : 'unknown',
          })
          finish()
          controller.error(error)
        }),
      cancel: finish,
    },
    { highWaterMark: 0 },
  )
}

interface Cursor {
  /** What to send now; empty when there is nothing, null when nothing will follow. */
  next(): string | null
  touch(): void
  beat(): void
}

function createCursor(deps: StreamDeps, { ownerId, taskToken, after }: StreamRequest): Cursor {
  let seq = after
  let touched = true
  let beatDue = false
  let opened = false
  return {
    touch: () => {
      touched = true
    },
    beat: () => {
      beatDue = true
    },
    next: () => {
      if (deps.closing.aborted) return null
      if (!opened) {
        // Bytes at once, so that proxies and clients see the stream open.
        opened = true
        return ': open\n\n'
      }
      if (touched) {
        // The state is read before the events: if it says that none will come, the events are all there.
        const state = deps.queries.streamState(ownerId, taskToken)
        const goesOn = state?.watching === true
        const all = deps.queries.transitionsAfter(taskToken, seq, batchMax)
        const events = goesOn ? all : all.filter((event) => event.seq <= (state?.lastSeq ?? 0))
        seq = events.at(-1)?.seq ?? seq
        if (goesOn && events.length < batchMax) touched = false
        if (events.length > 0) return events.map((event) => eventText(taskToken, event)).join('')
        if (!goesOn) return null
      }
      if (!beatDue) return ''
      beatDue = false
      return ': heartbeat\n\n'
    },
  }
}

/** The payload is one line: JSON text has no raw line break. */
function eventText(taskToken: string, event: TransitionEvent): string {
  const payload = renderEvent({
    type: event.type,
    at: event.at,
    subscriptionId: null,
    taskToken,
    seq: event.seq,
    status: event.status,
    percent: event.percent,
    previous: event.previous,
    metadataJson: '{}',
    error: event.error,
    result: eventResult(event.result),
  })
  return `id: ${event.seq}\ndata: ${payload}\n\n`
}
