/** `pollhook signing-secret`: what verifies an owner's webhooks, and a new one. */
import { Command } from 'commander'
import { overlapSecondsMax } from '../core/secret-numbers.ts'
import { type ApiFlags, answeredWithout, createApi, withApiFlags } from './api.ts'
import { wholeNumber } from './arguments.ts'
import { printable, printLine } from './output.ts'
import { printJson } from './table.ts'

interface SigningSecrets {
  /** Newest first. */
  secrets: { secret: string; expires_at: string | null }[]
}

interface Flags extends ApiFlags {
  rotate?: true
  overlap?: number
  json?: true
}

const path = '/v1/signing-secret'

export function signingSecretCommand(): Command {
  const command = new Command('signing-secret')
    .description('Print the secret that verifies your webhooks, or make a new one.')
    .option('--rotate', 'make a new one; the one before signs as well for a while')
    .option(
      '--overlap <seconds>',
      'with --rotate: how long the one before signs as well, a day unless given',
      wholeNumber(0, overlapSecondsMax),
    )
  return withApiFlags(command)
    .option('--json', 'what the API answers: all that sign')
    .addHelpText(
      'after',
      `
Examples:
  $ export POLLHOOK_SIGNING_SECRET=$(pollhook signing-secret)
  $ pollhook listen --secret "$(pollhook signing-secret)"
  $ pollhook signing-secret --rotate --overlap 3600`,
    )
    .action(async (flags: Flags) => {
      if (flags.overlap !== undefined && !flags.rotate) throw new Error('--overlap: only with --rotate')
      const answer = await ask(flags)
      if (flags.json) printJson(answer)
      else showNewest(answer)
    })
}

async function ask({ rotate, overlap, ...flags }: Flags): Promise<SigningSecrets> {
  const api = createApi(flags)
  // What is not given is the relay's to choose.
  const answer = rotate ? await api.call('POST', `${path}/rotate`, { overlap }) : await api.call('GET', path)
  const found = answer as SigningSecrets | null
  if (typeof found?.secrets?.[0]?.secret !== 'string' || found.secrets[0].secret === '')
    throw answeredWithout('secret', path, flags)
  return found
}

/** The newest alone on stdout, for a variable. What else signs is no line for a log to keep. */
function showNewest({ secrets: [newest, ...others] }: SigningSecrets): void {
  printLine(printable(newest?.secret ?? ''))
  for (const { expires_at } of others) {
    // Of another POLLHOOK_SECRET: for as long as the relay is started with that one.
    const until = expires_at === null ? '' : ` until ${printable(expires_at)}`
    process.stderr.write(`One before it signs as well${until}: --json shows it.\n`)
  }
}
