/** `pollhook restored`: the last step of putting a back-up back, while no relay runs. */
import { Command } from 'commander'
import { printLine } from './output.ts'

export function restoredCommand(): Command {
  return new Command('restored')
    .description('Tell the database that it is a back-up put back, before the relay starts on it.')
    .addHelpText(
      'after',
      `
A relay on an old copy would give out webhook ids and seq a second time, and receivers would drop what comes under them.
After this it goes on with numbers above all that were ever given out. It works on the file of POLLHOOK_DB (default
data/pollhook.db) and refuses one that a relay is using. Once too often does no harm.

Example:
  $ POLLHOOK_DB=/var/lib/pollhook/pollhook.db pollhook restored`,
    )
    .action(async () => {
      // Loaded here so that the other commands start without the database driver.
      const { restored } = await import('../node/restored.ts')
      const { path, tasks, seq } = restored(process.env, Date.now())
      const those = tasks === 1 ? 'The task in it goes' : `The ${tasks} tasks in it go`
      printLine(`${path} is marked as restored. ${those} on above seq ${seq}. Now start the relay.`)
    })
}
