#!/usr/bin/env node
/** The `pollhook` command: puts the commands together, nothing else. Each one has a file of its own. */
import { Command } from 'commander'
import { version } from '../node/version.ts'
import { endWithReader } from './broken-pipe.ts'
import { deliveriesCommand, redeliverCommand } from './deliveries.ts'
import { demoCommand } from './demo.ts'
import { endpointsCommand } from './endpoints.ts'
import { keysCommand } from './keys.ts'
import { listenCommand } from './listen.ts'
import { fail } from './output.ts'
import { restoredCommand } from './restored.ts'
import { serveCommand } from './serve.ts'
import { signingSecretCommand } from './signing-secret.ts'
import { simulateCommand } from './simulate.ts'
import { subscriptionsCommand } from './subscriptions.ts'
import { watchCommand } from './watch.ts'

const examples = `
Examples:
  $ pollhook demo                      relay, simulated upstream and receiver on loopback, no set-up
  $ pollhook keys new acme             a new API key, and its entry for POLLHOOK_API_KEYS
  $ POLLHOOK_API_KEYS=acme=<key> POLLHOOK_SECRET=<base64 of 32 bytes> pollhook serve
  $ pollhook listen --secret "$(pollhook signing-secret)" --forward http://127.0.0.1:3000/hooks
  $ pollhook watch 471272a512d76c22665db9dcee893409
  $ pollhook deliveries --state exhausted
  $ pollhook simulate --jobs 5 --fail-rate 0.2

pollhook serve is configured by environment variables: the README lists them. What calls a running
relay takes its URL and key from POLLHOOK_URL and POLLHOOK_KEY. NO_COLOR=1 switches colours off.

Exit codes: 0 done, 1 it could not be done: stderr says why, 2 a watched task did not complete, 129, 130 or 143
watching was interrupted, 141 the reader of the output went away.
`

const program = new Command('pollhook')
  .description('Polls the status of Qencode tasks and tells your app by signed webhooks.')
  .version(version)
  .addHelpText('after', examples)

const commands = [
  serveCommand(),
  demoCommand(),
  simulateCommand(),
  listenCommand(),
  watchCommand(),
  subscriptionsCommand(),
  deliveriesCommand(),
  redeliverCommand(),
  endpointsCommand(),
  signingSecretCommand(),
  keysCommand(),
  restoredCommand(),
]
for (const command of commands) {
  for (const each of [command, ...command.commands]) {
    const name = each === command ? each.name() : `${command.name()} ${each.name()}`
    each.showHelpAfterError(`Run "pollhook ${name} --help" for what it takes.`)
  }
  program.addCommand(command)
}
program.showHelpAfterError('Run "pollhook --help" for the commands.')

const output = endWithReader()
// A relay is there for its webhooks, not for its log.
program.hook('preAction', (_program, command) => {
  if (command.name() === 'serve') output.outliveFullDisk()
})
await program.parseAsync().catch((error: unknown) => {
  fail(error instanceof Error ? error.message : String(error))
})
