/** `pollhook subscriptions`: who is told about what. */
import { Command } from 'commander'
import type { Subscription } from '../client/client.ts'
import { taskToken } from './arguments.ts'
import { percentText } from './bars.ts'
import { type ListFlags, showList, showOne, withListFlags } from './lists.ts'

interface Flags extends ListFlags {
  task?: string
  state?: string
  callbackUrl?: string
}

export function subscriptionsCommand(): Command {
  const command = new Command('subscriptions')
    .description('List subscriptions, newest first, or show one.')
    .argument('[id]', 'sub_…: show this one')
    .option('--task <token>', 'only of this task', taskToken)
    .option('--state <state>', 'only active, paused, completed, expired or cancelled ones')
    .option('--callback-url <url>', 'only to this URL')
  return withListFlags(command)
    .addHelpText(
      'after',
      `
Examples:
  $ pollhook subscriptions --state active
  $ pollhook subscriptions sub_… | jq .task`,
    )
    .action((id: string | undefined, flags: Flags) =>
      id === undefined
        ? showList<Subscription>(flags, {
            path: '/v1/subscriptions',
            filters: { task_token: flags.task, state: flags.state, callback_url: flags.callbackUrl },
            columns: ['ID', 'TASK', 'STATE', 'STATUS', 'PERCENT', 'SEQ', 'CALLBACK'],
            row: ({ id, task_token, state, task, callback_url }) => [
              id,
              task_token,
              state,
              task.status,
              typeof task.percent === 'number' ? percentText(task.percent).trim() : null,
              task.seq,
              callback_url,
            ],
          })
        : showOne(flags, `/v1/subscriptions/${encodeURIComponent(id)}`),
    )
}
