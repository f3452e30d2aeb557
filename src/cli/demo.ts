/**
 * `pollhook demo`: the whole way from a job to a verified webhook, in one process on loopback, with no
 * configuration.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Command, Option } from 'commander'
import { duration, factor } from './arguments.ts'
import { createDisplay, type Display } from './demo-display.ts'
import { createStage, type Stage } from './demo-stage.ts'
import { createTally, type Tally } from './demo-tally.ts'
import { colorsFor, fail, failStart } from './output.ts'
import { untilSignal } from './signals.ts'

interface DemoFlags {
  exit?: true
  speed: number
  /** Milliseconds. */
  timeLimit: number
}

/** Made so that the three end one after the other, within about 15 s at speed 1. */
const jobs = [
  { name: 'beach', durationMs: 11_000, fails: false, ends: 'task.completed' },
  {
    name: 'concert',
    durationMs: 15_000,
    fails: { at: 0.6, description: 'Failed to transcode video: moov atom not found' },
    ends: 'task.failed',
  },
  { name: 'interview', durationMs: 13_500, fails: false, ends: 'task.completed' },
]

export function demoCommand(): Command {
  return new Command('demo')
    .description('Show it all on loopback: relay, simulated upstream and a receiver that verifies.')
    .option('--exit', 'end when the three jobs have: code 0 if every webhook verified, else 1')
    .option('--speed <factor>', 'how much faster the jobs run', factor, 1)
    .addOption(
      new Option('--time-limit <duration>', 'with --exit: jobs that have not ended by then have failed')
        .argParser(duration)
        .default(60_000, '1m'),
    )
    .addHelpText(
      'after',
      `
Examples:
  $ pollhook demo                 stays up to go on with curl, until Ctrl-C
  $ pollhook demo --exit          ends by itself in about 15 seconds`,
    )
    .action(demo)
}

async function demo(flags: DemoFlags): Promise<void> {
  const signal = untilSignal()
  const names = jobs.map(({ name }) => name)
  const display = createDisplay(process.stdout, names)
  const tally = createTally(new Map(jobs.map(({ name, ends }) => [name, ends])))
  const stage = await createStage({
    speed: flags.speed,
    onLog: display.log,
    onWebhook(received) {
      tally.add(received)
      display.webhook(received)
    },
  }).catch(failStart)
  if (stage === undefined) return
  try {
    await play({ stage, display, tally, flags, signal })
  } catch (error) {
    display.endBars()
    failStart(error)
  } finally {
    display.endBars()
    await stage.stop()
  }
}

interface Play {
  stage: Stage
  display: Display
  tally: Tally
  flags: DemoFlags
  signal: Promise<unknown>
}

async function play({ stage, display, tally, flags, signal }: Play): Promise<void> {
  introduce(stage, display)
  await startJobs(stage)
  const limit = new AbortController()
  const end = await Promise.race([
    tally.ended.then(() => 'ended' as const),
    signal.then(() => 'signal' as const),
    ...(flags.exit ? [sleep(flags.timeLimit, 'late' as const, { signal: limit.signal })] : []),
  ])
  limit.abort()
  display.endBars()
  summarise(tally, display)
  if (end === 'late') {
    fail(
      `not all jobs ended in ${flags.timeLimit} ms: try a longer --time-limit, or without --exit to look around`,
    )
  }
  if (flags.exit) {
    process.exitCode ??= tally.summary().ok ? 0 : 1
    return
  }
  if (end === 'signal') return
  suggest(stage, display)
  await signal
  display.line()
  display.line('Stopping.')
}

function introduce(stage: Stage, display: Display): void {
  const { bold, dim } = colorsFor(process.stdout)
  const { simulator } = stage
  display.line(`${dim('relay:   ')} ${bold(stage.relayUrl)}  ${dim(`API: ${stage.relayUrl}/docs`)}`)
  display.line(`${dim('API key: ')} ${stage.apiKey}`)
  display.line(
    `${dim('upstream:')} ${simulator.url}  ${dim(`(simulated; masters ${simulator.masters.join(', ')})`)}`,
  )
  display.line(`${dim('receiver:')} ${stage.receiverUrl}`)
  display.line()
}

async function startJobs({ simulator, register, receiverUrl }: Stage): Promise<void> {
  for (const { name, durationMs, fails } of jobs) {
    const { taskToken, statusUrl } = simulator.createJob({ durationMs, fails })
    await register({
      task_token: taskToken,
      callback_url: receiverUrl,
      status_url: statusUrl,
      percent_step: 10,
      metadata: { job: name },
    })
  }
}

function summarise(tally: Tally, display: Display): void {
  const { green, red } = colorsFor(process.stdout)
  const { verified, refused, disordered, ends, ok } = tally.summary()
  const how = [...ends].map(([name, type]) => `${name} ${type.slice('task.'.length)}`).join(', ')
  const score = `${ends.size} of ${jobs.length} jobs ended (${how || 'none'}); ${verified} webhooks verified, ${refused} refused, ${disordered} out of order`
  display.line()
  display.line(ok ? green(score) : red(score))
}

/** Two calls that go through the whole way once more, with a task that waits to be started. */
function suggest({ simulator, relayUrl, receiverUrl, apiKey }: Stage, display: Display): void {
  const token = simulator.createTask()
  const body = JSON.stringify({ task_token: token, callback_url: receiverUrl, metadata: { job: 'mine' } })
  display.line(`
Go on with curl. Register for a task that waits to be started, then start it and watch:

  curl ${relayUrl}/v1/subscriptions -H 'authorization: Bearer ${apiKey}' \\
    -H 'content-type: application/json' -d '${body}'

  curl ${simulator.url}/v1/start_encode2 -d task_token=${token} \\
    -d 'query={"query":{"source":"https://example.com/film.mp4"}}'

What was sent:

  curl -H 'authorization: Bearer ${apiKey}' ${relayUrl}/v1/deliveries

Ctrl-C stops it all.
`)
}
