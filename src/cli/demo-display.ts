/** What the demo shows: a bar per job on a terminal, plain lines elsewhere. Knows no network. */
import { type Bars, createBars } from './bars.ts'
import { colorsFor, printable } from './output.ts'
import type { ReceivedWebhook } from './receiver.ts'
import { colorOf, webhookLine } from './webhook-line.ts'

export interface Display {
  line(text?: string): void
  /** A log line of the relay: among the bars without disturbing them, or on stderr where there are none. */
  log(text: string): void
  /** A line for the webhook, and its job's bar moved on. */
  webhook(received: ReceivedWebhook): void
  /** Leaves the bars where they are; lines go on below. */
  endBars(): void
}

/** @param names of the jobs that get a bar, as in the `job` metadata of their subscriptions */
export function createDisplay(stream: NodeJS.WriteStream, names: readonly string[]): Display {
  const colors = colorsFor(stream)
  const width = Math.max(...names.map((name) => name.length))
  let bars: Bars | null = null

  function line(text = ''): void {
    if (bars === null) stream.write(`${text}\n`)
    else bars.line(text)
  }
  return {
    line,
    log(text) {
      if (stream.isTTY) line(colors.yellow(text.trimEnd()))
      else process.stderr.write(text)
    },
    webhook(received) {
      bars ??= createBars(stream, { names, status: 'registered' })
      line(webhookLine(received, { colors, width }))
      const { event } = received
      if (bars === null || event === null) return
      const { status, percent, metadata } = event.data
      bars.update(metadata.job ?? '', {
        percent,
        status: colorOf(event.type, colors)(printable(status ?? '')),
      })
    },
    endBars() {
      bars?.stop()
      bars = null
    },
  }
}
