/** `pollhook listen`: a receiver on loopback that verifies, shows, and answers or passes on what comes. */
import { randomBytes } from 'node:crypto'
import { Command, Option } from 'commander'
import { formatSigningSecret } from '../core/signature.ts'
import { httpUrl, signingSecret, statuses, wholeNumber } from './arguments.ts'
import { colorsFor, failListen, jsonText, printLine } from './output.ts'
import { createReceiver, type ReceivedWebhook } from './receiver.ts'
import { untilSignal } from './signals.ts'
import { webhookLine } from './webhook-line.ts'

interface ListenFlags {
  port: number
  secret?: string[]
  forward?: string
  status?: number[]
  json?: true
}

export function listenCommand(): Command {
  return new Command('listen')
    .description('Receive webhooks on loopback: verify, show, answer or pass on.')
    .option('--port <number>', 'to listen on; 0 picks a free one', wholeNumber(0, 65_535), 8091)
    .option(
      '--secret <whsec…>',
      'signing secret; give it again for more; a new one unless given',
      signingSecret,
    )
    .option('--forward <url>', 'pass verified webhooks on, and answer as this URL does', httpUrl)
    .addOption(
      new Option('--status <codes>', 'answers in turn, the last one stays, e.g. 500,503,204')
        .argParser(statuses)
        .conflicts('forward'),
    )
    .option('--json', 'one JSON object per webhook')
    .addHelpText(
      'after',
      `
A webhook whose signature fits none of the secrets is answered with 401 and not passed on.

Examples:
  $ pollhook listen --secret whsec_…                        verify and answer 204
  $ pollhook listen --secret whsec_… --status 500,500,204   fail twice, then accept
  $ pollhook listen --secret whsec_… --forward http://127.0.0.1:3000/hooks

The relay delivers to loopback only with POLLHOOK_INSECURE_CALLBACKS=true and
POLLHOOK_PRIVATE_CALLBACKS=127.0.0.0/8. Your signing secret: pollhook signing-secret.`,
    )
    .action(listen)
}

async function listen(flags: ListenFlags): Promise<void> {
  const signal = untilSignal()
  const made = flags.secret === undefined ? formatSigningSecret(randomBytes(32)) : null
  const receiver = await createReceiver({
    port: flags.port,
    secrets: made === null ? (flags.secret ?? []) : [made],
    onWebhook: flags.json ? showJson : showLine,
    ...(flags.status !== undefined && { statuses: flags.status }),
    ...(flags.forward !== undefined && { forwardTo: flags.forward }),
  }).catch(failListen(flags.port))
  if (receiver === undefined) return
  // On stderr, so that stdout has webhooks only.
  const { bold, dim } = colorsFor(process.stderr)
  process.stderr.write(`${dim('callback_url:')} ${bold(receiver.url)}\n`)
  if (made !== null) process.stderr.write(`${dim('secret:      ')} ${made}  ${dim('(register with it)')}\n`)
  process.stderr.write(`${dim('Ctrl-C ends it.')}\n`)
  await signal
  await receiver.close()
}

function showLine(received: ReceivedWebhook): void {
  const colors = colorsFor(process.stdout)
  const color = received.answer < 300 ? colors.dim : colors.red
  printLine(`${webhookLine(received, { colors, width: 6 })}  ${color(`answered ${received.answer}`)}`)
}

function showJson({ id, verified, repeat, answer, event }: ReceivedWebhook): void {
  printLine(jsonText({ id, verified, repeat, answer, event }))
}
