/** `pollhook serve`: the relay, configured by environment variables, until SIGTERM, SIGINT or SIGHUP. */
import { Command } from 'commander'
import { createLog } from '../log.ts'
import { createLineWriter } from '../node/log-lines.ts'
import { widenThreadPool } from '../node/thread-pool.ts'
import { version } from '../node/version.ts'
import { exitOnBugs } from './last-words.ts'
import { failStart } from './output.ts'
import { untilSignal } from './signals.ts'

/** What still holds the process after the end must not hold it for ever. */
const lingerMs = 2_000

export function serveCommand(): Command {
  return new Command('serve')
    .description('Run the relay, configured by environment variables.')
    .addHelpText(
      'after',
      `
The README lists the variables. Where one is missing or wrong it does not start, and says why, one line each.
POLLHOOK_SECRET must stay the same: make it once, with openssl rand -base64 32.

Exit codes: 0 after SIGTERM, SIGINT or SIGHUP, 1 when it could not start: one line per fault says why. 1 also when a
bug ends it: the last log line tells.

Example:
  $ POLLHOOK_API_KEYS=acme=<key> POLLHOOK_SECRET=<base64 of 32 bytes> pollhook serve`,
    )
    .action(serve)
}

async function serve(): Promise<void> {
  // First of all: loading takes long enough for a signal to come.
  const signal = untilSignal()
  widenThreadPool()
  // Loaded here so that the other commands start without the database driver.
  const { startNode } = await import('../node.ts')
  const write = createLineWriter(process.stdout)
  exitOnBugs(write)
  const relay = await startNode(process.env, write).catch(failStart)
  if (relay !== undefined) {
    if (relay.isUntold) createLog('info', write).info('listening', { url: relay.url, version })
    await signal
    await relay.stop()
  }
  setTimeout(() => process.exit(), lingerMs).unref()
}
