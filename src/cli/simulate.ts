/** `pollhook simulate`: the simulated upstream by itself, with faults by flags. */
import { Command, Option } from 'commander'
import type { Fault } from '../simulator/faults.ts'
import { createSimulator, type Simulator, type SimulatorOptions } from '../simulator/simulator.ts'
import { duration, factor, share, wholeNumber } from './arguments.ts'
import { colorsFor, failListen, printLine } from './output.ts'
import { untilSignal } from './signals.ts'

export interface SimulateFlags {
  port: number
  masters: number
  jobs: number
  jobDuration: number
  speed: number
  failRate: number
  seed?: number
  latency?: number
  timeoutRate: number
  resetRate: number
  serverErrorRate: number
  htmlRate: number
  busyRate: number
  badTokenRate: number
  nullRate: number
  missingRate: number
  regressionRate: number
  deadMaster?: number
  hang?: true
}

export function simulateCommand(): Command {
  const command = new Command('simulate')
    .description("Run a simulated upstream: Qencode's job and status API on loopback.")
    .option('--port <number>', 'of the API host; 0 picks a free one', wholeNumber(0, 65_535), 8090)
    .option('--masters <number>', 'how many master hosts', wholeNumber(1, 100), 2)
    .option('--jobs <number>', 'how many jobs to start with', wholeNumber(0, 10_000), 3)
    .addOption(
      new Option('--job-duration <duration>', 'of a job at speed 1')
        .argParser(duration)
        .default(60_000, '1m'),
    )
    .option('--speed <factor>', 'how much faster than the clock jobs run', factor, 1)
    .option('--fail-rate <share>', 'of jobs that fail', share, 0)
    .option('--seed <number>', 'for the same tokens, jobs and chances again', wholeNumber(0, 2 ** 32 - 1))
  return addFaultFlags(command)
    .addHelpText(
      'after',
      `
Example, a bad day:
  $ pollhook simulate --jobs 50 --fail-rate 0.1 --timeout-rate 0.02 --server-error-rate 0.05 --dead-master 0.5`,
    )
    .action(simulate)
}

/** Rates are probabilities per status call or, where an entry of the answer is meant, per token in it. */
function addFaultFlags(command: Command): Command {
  command.option('--latency <duration>', 'before every answer', duration)
  const rates = [
    ['timeout', 'calls that are never answered'],
    ['reset', 'calls whose connection is reset'],
    ['server-error', 'calls answered with HTTP 503'],
    ['html', 'calls answered with an HTML page'],
    ['busy', 'calls answered with error 8'],
    ['bad-token', 'calls answered with error 13'],
    ['null', 'tokens that come back null'],
    ['missing', 'tokens that do not come back'],
    ['regression', 'tokens whose state is an earlier one'],
  ]
  for (const [name, what] of rates) command.option(`--${name}-rate <share>`, `of ${what}`, share, 0)
  return command
    .option('--dead-master <share>', 'masters die when a job of theirs has run for this share', share)
    .option('--hang', 'a dead master hangs instead of resetting connections')
}

export function simulatorOptions(flags: SimulateFlags): SimulatorOptions {
  return {
    port: flags.port,
    masters: flags.masters,
    speed: flags.speed,
    durationMs: flags.jobDuration,
    failRate: flags.failRate,
    faults: faultsOf(flags),
    ...(flags.seed !== undefined && { seed: flags.seed }),
  }
}

/** The faults that the flags ask for. */
function faultsOf(flags: SimulateFlags): Fault[] {
  const rated = [
    { kind: 'timeout', probability: flags.timeoutRate },
    { kind: 'reset', probability: flags.resetRate },
    { kind: 'server_error', probability: flags.serverErrorRate },
    { kind: 'html', probability: flags.htmlRate },
    { kind: 'busy', probability: flags.busyRate },
    { kind: 'bad_token', probability: flags.badTokenRate },
    { kind: 'null_entry', probability: flags.nullRate },
    { kind: 'missing_entry', probability: flags.missingRate },
    { kind: 'regression', probability: flags.regressionRate },
  ] as const
  const faults: Fault[] = rated.filter(({ probability }) => probability > 0)
  if (flags.latency !== undefined) faults.push({ kind: 'latency', ms: flags.latency })
  if (flags.deadMaster !== undefined) {
    faults.push({ kind: 'dead_master', at: flags.deadMaster, hangs: flags.hang === true })
  }
  return faults
}

async function simulate(flags: SimulateFlags): Promise<void> {
  const signal = untilSignal()
  const simulator = await createSimulator(simulatorOptions(flags)).catch(failListen(flags.port))
  // Without a listener nothing holds the process, and it ends with the code that was set.
  if (simulator === undefined) return
  introduce(simulator, flags.jobs)
  await signal
  printLine(`${simulator.callCount} status calls answered.`)
  await simulator.close()
}

function introduce(simulator: Simulator, jobs: number): void {
  const { bold, dim } = colorsFor(process.stdout)
  printLine(`${dim('API host:')} ${bold(simulator.url)}`)
  for (const origin of simulator.masters) printLine(`${dim('master:  ')} ${origin}`)
  printLine(`${dim('seed:    ')} ${simulator.seed}`)
  printLine()
  printLine('Point a relay at it:')
  printLine(`  export POLLHOOK_UPSTREAM_URL=${simulator.url}`)
  printLine("  export POLLHOOK_UPSTREAM_HOSTS='127.0.0.1:*'")
  printLine()
  for (let number = 1; number <= jobs; number++) {
    const { taskToken, statusUrl } = simulator.createJob()
    printLine(`${dim(`job ${number}:`)} ${taskToken} ${dim(statusUrl)}`)
  }
  printLine('Another job (a source under .invalid makes it fail):')
  printLine(`  T=$(curl -s ${simulator.url}/v1/access_token -d api_key=any | grep -o '[a-f0-9]\\{32\\}')`)
  printLine(`  J=$(curl -s ${simulator.url}/v1/create_task -d token=$T | grep -o '[a-f0-9]\\{32\\}')`)
  printLine(
    `  curl ${simulator.url}/v1/start_encode2 -d task_token=$J -d 'query={"query":{"source":"https://example.com/a.mp4"}}'`,
  )
  printLine(`  curl ${simulator.url}/v1/status -d task_tokens=$J`)
  printLine()
  printLine('Ctrl-C ends it.')
}
