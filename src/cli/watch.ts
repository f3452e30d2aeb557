/** `pollhook watch`: tasks of a running relay, followed to their ends; the exit code says how they ended. */
import { Command, Option } from 'commander'
import { type ApiFlags, createApi, withApiFlags } from './api.ts'
import { httpUrl, taskToken } from './arguments.ts'
import { createBars, percentText } from './bars.ts'
import { followTask } from './follow.ts'
import { colorsFor, fail, jsonText, printable, printLine } from './output.ts'
import type { WebhookEvent } from './receiver.ts'
import { codeOfSignal, untilSignal } from './signals.ts'
import { subscribeTo } from './watch-subscriptions.ts'
import { colorOf } from './webhook-line.ts'

interface WatchFlags extends ApiFlags {
  callback?: string
  statusUrl?: string
  json?: true
}

const otherEndCode = 2

export function watchCommand(): Command {
  const command = new Command('watch')
    .description('Follow tasks through a running relay to their ends.')
    .argument('<tokens...>', 'task tokens', taskTokens)
    .option('--callback <url>', 'register this URL for tasks that have no subscription', httpUrl)
    .option('--status-url <url>', 'the master to ask, as start_encode2 named it', httpUrl)
    .addOption(new Option('--json', 'one JSON object per event'))
  return withApiFlags(command)
    .addHelpText(
      'after',
      `
A task that nobody is subscribed to is registered: to --callback or, without it, to a receiver of this
command's own on loopback, whose subscription is cancelled at the end.

Exit codes: 0 all completed, 2 some ended otherwise, 1 it could not be watched, 130 after Ctrl-C,
143 after SIGTERM, 129 when the terminal closed.

Examples:
  $ pollhook watch 471272a512d76c22665db9dcee893409
  $ pollhook watch $TOKEN --callback https://app.example.com/hooks && ./publish`,
    )
    .action(watch)
}

async function watch(tokens: string[], flags: WatchFlags): Promise<void> {
  const api = createApi(flags)
  const interrupted = new AbortController()
  void untilSignal().then((signal) => {
    // A reader that went away has set its own.
    process.exitCode ??= codeOfSignal(signal)
    interrupted.abort()
  })
  const undo = await subscribeTo(api, {
    taskTokens: tokens,
    callbackUrl: flags.callback ?? null,
    ...(flags.statusUrl !== undefined && { statusUrl: flags.statusUrl }),
  })
  const display = createWatchDisplay(tokens, flags.json === true)
  try {
    const ends = await Promise.all(
      tokens.map(async (taskToken) => {
        const end = await followTask(api, { taskToken, signal: interrupted.signal, onEvent: display.event })
        if (end === null && !interrupted.signal.aborted) display.unwatched(taskToken)
        return end
      }),
    )
    if (!interrupted.signal.aborted && ends.some((end) => end !== 'task.completed')) {
      process.exitCode = otherEndCode
    }
  } finally {
    // When one could not be followed, the others are let go too.
    interrupted.abort()
    display.stop()
    await undo()
  }
}

interface WatchDisplay {
  event(event: WebhookEvent): void
  /** Its stream ended, the task did not. */
  unwatched(taskToken: string): void
  stop(): void
}

function createWatchDisplay(tokens: readonly string[], json: boolean): WatchDisplay {
  const colors = colorsFor(process.stdout)
  const bars = json ? null : createBars(process.stdout, { names: tokens, status: 'waiting' })
  const complain = (text: string) => (bars === null ? fail(text) : bars.line(colors.red(text)))
  return {
    event(event) {
      const { task_token, percent, seq, status, error } = event.data
      const word = event.type === 'task.progress' ? (status ?? '') : event.type.slice('task.'.length)
      const colored = colorOf(event.type, colors)(printable(word))
      const reason = error?.description == null ? '' : `  ${colors.red(printable(error.description))}`
      if (json) printLine(jsonText(event))
      else if (bars === null)
        printLine(`${task_token}  ${percentText(percent)}  seq ${seq}  ${colored}${reason}`)
      else bars.update(task_token, { percent, status: `${colored}${reason}` })
    },
    unwatched: (taskToken) =>
      complain(`${taskToken} is no longer watched: its last subscription expired or was cancelled`),
    stop: () => bars?.stop(),
  }
}

/** Commander calls it once per token, with what it returned before. */
function taskTokens(text: string, before: readonly string[] = []): string[] {
  const token = taskToken(text)
  return before.includes(token) ? [...before] : [...before, token]
}
