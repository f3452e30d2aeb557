/** `pollhook deliveries` and `pollhook redeliver`: what was sent, how it went, and sending it again. */
import { Command, Option } from 'commander'
import type { Delivery } from '../client/client.ts'
import { type ApiFlags, answeredWithout, codeOf, createApi, withApiFlags } from './api.ts'
import { idWith } from './arguments.ts'
import { type ListFlags, showList, showOne, withListFlags } from './lists.ts'
import { fail, jsonText, printable, printLine } from './output.ts'
import { printJson } from './table.ts'

interface DeliveriesFlags extends ListFlags {
  subscription?: string
  state?: string
  type?: string
}

export function deliveriesCommand(): Command {
  const command = new Command('deliveries')
    .description('List deliveries, newest first, or show one with its payload and attempts.')
    .argument('[id]', 'dlv_…: show this one')
    .option('--subscription <id>', 'only of this subscription, sub_…', idWith('sub_'))
    .option('--state <state>', 'only pending, delivered, superseded, exhausted or cancelled ones')
    .option('--type <type>', 'only of this type, e.g. task.completed')
  return withListFlags(command)
    .addHelpText(
      'after',
      `
Examples:
  $ pollhook deliveries --state exhausted
  $ pollhook deliveries dlv_… | jq .attempt_log`,
    )
    .action((id: string | undefined, flags: DeliveriesFlags) =>
      id === undefined
        ? showList<Delivery>(flags, {
            path: '/v1/deliveries',
            filters: { subscription_id: flags.subscription, state: flags.state, type: flags.type },
            columns: ['ID', 'TASK', 'TYPE', 'SEQ', 'STATE', 'ATTEMPTS', 'NEXT ATTEMPT', 'CREATED'],
            row: (one) => [
              one.id,
              one.task_token,
              one.type,
              one.seq,
              one.state_reason === null ? one.state : `${one.state} (${one.state_reason})`,
              one.attempts,
              one.next_attempt_at,
              one.created_at,
            ],
          })
        : showOne(flags, `/v1/deliveries/${encodeURIComponent(id)}`),
    )
}

interface RedeliverFlags extends ApiFlags {
  exhausted?: true
  since?: string
  until?: string
  subscription?: string
  endpoint?: string
  dryRun?: true
  json?: true
}

/** What chooses among the exhausted ones. Beside ids it would do nothing, and --dry-run send after all. */
const filters = [
  { flag: '--since', name: 'since' },
  { flag: '--until', name: 'until' },
  { flag: '--subscription', name: 'subscription' },
  { flag: '--endpoint', name: 'endpoint' },
  { flag: '--dry-run', name: 'dryRun' },
] as const

export function redeliverCommand(): Command {
  const command = new Command('redeliver')
    .description('Send deliveries again, with the same webhook id and bytes.')
    .argument('[ids...]', 'dlv_…: these')
    .option('--exhausted', 'all that ended exhausted')
    .option('--since <time>', 'with --exhausted: created at or after, e.g. 2026-11-23T10:00:00.000Z')
    .option('--until <time>', 'with --exhausted: created at or before')
    .option('--subscription <id>', 'with --exhausted: of this subscription, sub_…', idWith('sub_'))
    .option('--endpoint <id>', 'with --exhausted: to this endpoint, ep_…', idWith('ep_'))
    .option('--dry-run', 'with --exhausted: only count')
    .addOption(new Option('--json', "the API's answers as they are"))
  return withApiFlags(command)
    .addHelpText(
      'after',
      `
Examples:
  $ pollhook redeliver dlv_…
  $ pollhook redeliver --exhausted --endpoint ep_… --dry-run`,
    )
    .action((ids: string[], flags: RedeliverFlags) => {
      if (flags.exhausted && ids.length > 0) throw new Error('give ids or --exhausted, not both')
      if (flags.exhausted) return redeliverExhausted(flags)
      if (ids.length === 0) throw new Error('nothing to redeliver: give ids (dlv_…), or --exhausted')
      const idle = filters.filter(({ name }) => flags[name] !== undefined).map(({ flag }) => flag)
      if (idle.length > 0) throw new Error(`${idle.join(', ')}: only with --exhausted, not with ids`)
      return redeliverEach(ids, flags)
    })
}

/** One that is refused is no reason to leave out the others; what would refuse them all is. */
async function redeliverEach(ids: readonly string[], flags: RedeliverFlags): Promise<void> {
  const api = createApi(flags)
  for (const id of ids) {
    try {
      const path = `/v1/deliveries/${encodeURIComponent(id)}/redeliver`
      const delivery = (await api.call('POST', path)) as Delivery | null
      if (typeof delivery?.state !== 'string') throw answeredWithout('delivery', path, flags)
      if (flags.json) printLine(jsonText(delivery))
      else
        printLine(printable(`${id} is ${delivery.state} again: ${delivery.type} of ${delivery.task_token}`))
    } catch (error) {
      if (!(error instanceof Error) || !['not_found', 'conflict'].includes(codeOf(error) ?? '')) throw error
      fail(`${printable(id)}: ${error.message}`)
    }
  }
}

async function redeliverExhausted(flags: RedeliverFlags): Promise<void> {
  const path = '/v1/deliveries/redeliver'
  const answer = (await createApi(flags).call('POST', path, {
    state: 'exhausted',
    since: flags.since,
    until: flags.until,
    subscription_id: flags.subscription,
    endpoint: flags.endpoint,
    dry_run: flags.dryRun,
  })) as { count: number } | null
  if (typeof answer?.count !== 'number') throw answeredWithout('count', path, flags)
  if (flags.json) printJson(answer)
  else printLine(`${answer.count} ${flags.dryRun ? 'would be sent again.' : 'will be sent again.'}`)
}
