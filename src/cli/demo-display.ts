/** What the demo shows: a bar per job on a terminal, plain lines elsewhere. Knows no network. */
import { type Bars, createBars, percentText } from './bars.ts'
import { colorsFor, printable } from './output.ts'
import type { ReceivedWebhook } from './receiver.ts'

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

/** E.g. `10:00:07  beach    task.progress     42.5 %  encoding  seq 7  ✔ verified`. */
export function webhookLine(
  received: ReceivedWebhook,
  { colors, width }: { colors: ReturnType<typeof colorsFor>; width: number },
): string {
  const time = colors.dim(new Date().toTimeString().slice(0, 8))
  if (!received.verified) return `${time}  ${colors.red('✘ a webhook whose signature does not fit')}`
  const { event } = received
  const mark = colors.green(received.repeat ? '✔ verified (a repeat)' : '✔ verified')
  if (event === null) return `${time}  ${mark}, but it is no event of Pollhook`
  const { metadata, percent, seq, error } = event.data
  const name = printable(metadata?.job ?? event.data.task_token.slice(0, 6)).padEnd(width)
  const type = colorOf(event.type, colors)(printable(event.type).padEnd(16))
  const reason = error?.description == null ? '' : `  ${colors.red(printable(error.description))}`
  return `${time}  ${name}  ${type}  ${percentText(percent ?? null)}  seq ${String(seq ?? '–').padEnd(3)} ${mark}${reason}`
}

export function colorOf(type: string, colors: ReturnType<typeof colorsFor>): (text: string) => string {
  if (type === 'task.completed') return colors.green
  if (type === 'task.progress') return colors.dim
  return ['task.failed', 'task.lost', 'task.expired', 'task.stalled'].includes(type)
    ? colors.red
    : colors.cyan
}
