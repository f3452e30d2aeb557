/** How a webhook that came is shown, in the demo as in `listen` and `watch`. */
import { percentText } from './bars.ts'
import { type colorsFor, printable } from './output.ts'
import type { ReceivedWebhook } from './receiver.ts'

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
