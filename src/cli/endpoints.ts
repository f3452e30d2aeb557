/** `pollhook endpoints`: the health of each origin, and holding or limiting what goes there. */
import { Command, InvalidArgumentError, Option } from 'commander'
import type { Endpoint } from '../client/client.ts'
import { answeredWithout, createApi } from './api.ts'
import { wholeNumber } from './arguments.ts'
import { type ListFlags, showList, withListFlags } from './lists.ts'
import { printJson } from './table.ts'

interface Flags extends ListFlags {
  pause?: true
  resume?: true
  maxConcurrency?: number | 'none'
  maxPerSecond?: number | 'none'
}

export function endpointsCommand(): Command {
  const command = new Command('endpoints')
    .description('List endpoints with their health, or pause, resume or limit one.')
    .argument('[id]', 'ep_…: change this one')
    .addOption(new Option('--pause', 'hold what goes there; nothing is lost').conflicts('resume'))
    .option('--resume', 'send again')
    .option(
      '--max-concurrency <number>',
      'attempts in flight, at most as configured; none: as configured',
      limit(wholeNumber(1, 10_000)),
    )
    .option('--max-per-second <number>', 'attempts started per second; none: no limit', limit(perSecond))
  return withListFlags(command)
    .addHelpText(
      'after',
      `
Examples:
  $ pollhook endpoints
  $ pollhook endpoints ep_… --pause
  $ pollhook endpoints ep_… --max-per-second 5`,
    )
    .action((id: string | undefined, flags: Flags) => {
      const change = changeOf(flags)
      const changes = Object.values(change).some((value) => value !== undefined)
      if (id === undefined && changes)
        throw new Error('name the endpoint to change: its id (ep_…) comes first')
      if (id !== undefined && !changes) {
        throw new Error(`what about ${id}? Give --pause, --resume, --max-concurrency or --max-per-second`)
      }
      return id === undefined ? list(flags) : update(id, { flags, change })
    })
}

function changeOf({ pause, resume, maxConcurrency, maxPerSecond }: Flags) {
  return {
    paused: pause ? true : resume ? false : undefined,
    max_concurrency: maxConcurrency === 'none' ? null : maxConcurrency,
    max_per_second: maxPerSecond === 'none' ? null : maxPerSecond,
  }
}

function list(flags: Flags): Promise<void> {
  return showList<Endpoint>(flags, {
    path: '/v1/endpoints',
    columns: ['ID', 'ORIGIN', 'STATE', 'BACKLOG', 'FAILING SINCE', 'LAST SUCCESS', 'PAUSED'],
    row: (one) => [
      one.id,
      one.origin,
      one.state,
      one.backlog,
      one.failing_since,
      one.last_success_at,
      one.paused ? 'paused' : null,
    ],
  })
}

async function update(id: string, { flags, change }: { flags: Flags; change: object }): Promise<void> {
  const path = `/v1/endpoints/${encodeURIComponent(id)}`
  const changed = (await createApi(flags).call('PATCH', path, change)) as Endpoint | null
  if (typeof changed?.id !== 'string') throw answeredWithout('id', path, flags)
  printJson(changed)
}

/** Commander would turn a null that a reader returns into an empty string. */
function limit(read: (text: string) => number): (text: string) => number | 'none' {
  return (text) => (text === 'none' ? text : read(text))
}

function perSecond(text: string): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!(value >= 0.01 && value <= 100_000)) {
    throw new InvalidArgumentError('Give a number from 0.01 to 100000, or none.')
  }
  return value
}
