/** `npm run bench -- [measures] [--rounds N] [--quick] [--json FILE]`: runs measures, judges their ratios, prints a table. */
import { spawnSync } from 'node:child_process'
import { statfsSync, writeFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, platform, tmpdir, totalmem } from 'node:os'
import { parseArgs } from 'node:util'
import { type BesidePeer, measureDeliveries } from './deliveries.ts'
import { measureIsolation } from './isolation.ts'
import { measureLatency } from './latency.ts'
import { measurePolling } from './polling.ts'
import { measureRegistrations } from './registrations.ts'
import { measureStart } from './start.ts'
import { type Skipped, takeRounds } from './support/beside.ts'
import { atLeast, atMost, type Bounds, type Line, printTable } from './support/verdicts.ts'
import { measureSynchronous } from './synchronous.ts'

const usage = 'usage: npm run bench -- [measures] [--rounds N] [--quick] [--json FILE]'
const { values, positionals } = readArgs()
const quick = values.quick === true
const rounds = Number(values.rounds ?? (quick ? 1 : 5))
if (!Number.isSafeInteger(rounds) || rounds < 1) refuse(`--rounds must be a whole number of at least 1`)

interface Result {
  figures: object
  /** Of each side, in order. */
  rounds?: object
  lines: Line[]
  skipped?: readonly Skipped[]
}

const measures: Record<string, () => Promise<Result>> = {
  async deliveries() {
    const figures = await measureDeliveries(rounds, quick ? 5 : 20)
    const beside = (peer: string, ratios: BesidePeer, speed: Bounds, cpu: Bounds) => [
      atLeast(`deliveries/s, due to settled, of ${peer}`, ratios.settledRatio, speed),
      // The targets are for what is due already.
      atLeast(`deliveries/s, changes recorded and settled, of ${peer}`, ratios.drainedRatio),
      atMost(`CPU per delivery, due to settled, of ${peer}`, ratios.settledCpuRatio, cpu),
      atMost(`CPU per delivery, changes recorded and settled, of ${peer}`, ratios.drainedCpuRatio),
    ]
    const { ofUndici, ofBullmq, ofBullmqAlike, ofPostgres, ofPostgresAlike, skipped } = figures
    const lines = [
      atLeast('deliveries/s, of undici alone', ofUndici, { target: 0.55, aim: 0.7 }),
      ...(ofBullmq ? beside('BullMQ', ofBullmq, { target: 3, aim: 5 }, { target: 1 / 4, aim: 1 / 6 }) : []),
      ...(ofBullmqAlike ? beside('BullMQ, each write flushed', ofBullmqAlike, {}, {}) : []),
      ...(ofPostgres ? beside('the better PostgreSQL queue', ofPostgres, { target: 2.5, aim: 4 }, {}) : []),
      ...(ofPostgresAlike ? beside('the better PostgreSQL queue, in order', ofPostgresAlike, {}, {}) : []),
    ]
    return { figures, lines, skipped }
  },
  async synchronous() {
    const figures = await measureSynchronous(rounds, quick ? 5 : 20)
    return {
      figures,
      lines: [atLeast('deliveries/s, synchronous=FULL of NORMAL', figures.ratio, { target: 0.8, aim: 0.95 })],
    }
  },
  async latency() {
    const figures = await measureLatency(rounds, quick ? 3_000 : 10_000)
    const lines = figures.beside.flatMap(({ tasks, p99, lost, ofBullmq, ofFlushed }) => {
      const beside = (peer: string, ratios: typeof ofBullmq, bounds: Bounds) =>
        ratios === null
          ? []
          : [
              atMost(`answer to request, ${tasks} tasks, p50 of ${peer}`, ratios.p50, bounds),
              atMost(`answer to request, ${tasks} tasks, p99 of ${peer}`, ratios.p99, bounds),
            ]
      return [
        ...beside("BullMQ's", ofBullmq, { target: 1 }),
        ...beside("BullMQ's, each write flushed", ofFlushed, {}),
        atMost(`answer to request, ${tasks} tasks, p99 in ms`, p99, { aim: 3 }),
        atMost(`answer to request, ${tasks} tasks, changes that never came`, lost, { target: 0 }),
      ]
    })
    return { figures, lines, skipped: figures.skipped }
  },
  async registrations() {
    const figures = await measureRegistrations(rounds, quick ? 3_000 : 10_000)
    return {
      figures,
      lines: [
        atLeast('single registrations/s, of no database', figures.singleRatio, { target: 0.45, aim: 0.6 }),
        atMost(
          'CPU of a single registration, of no database',
          figures.singleCpuMicros / figures.bareSingleCpuMicros,
        ),
      ],
    }
  },
  async polling() {
    const [small, middle, large] = quick ? [500, 10_000, 20_000] : [1_000, 10_000, 100_000]
    const figures = await measurePolling(rounds, [small, middle, large], quick ? 5_000 : 10_000)
    const { ofScript, ofCalls, ofTellingCalls, spread, spreadAtOneRate, changing, failedPolls } = figures
    const beyondIdle = `CPU of a poll, the idle relay's taken off, ${small} to ${large} tasks`
    const changes = `${large} tasks at 5 s, ${Math.round(changing.changesPerSecond)} changes/s`
    return {
      figures,
      lines: [
        atMost(`${changes}, share of a core`, changing.cpuShare, { target: 0.25, aim: 0.12 }),
        atMost(`${changes}, CPU of a bare loop that writes and POSTs each`, ofTellingCalls),
        atLeast(`${changes}, polls/s`, changing.pollsPerSecond),
        atMost(`${changes}, KB of memory per task`, changing.bytesPerTask / 1024, { target: 2, aim: 1 }),
        atMost('CPU of a poll without changes, of one fetch a task', ofScript, {
          target: 1 / 20,
          aim: 1 / 40,
        }),
        atMost(
          `CPU of a poll without changes, of the same calls by a bare loop, ${large} tasks`,
          ofCalls,
          {},
        ),
        atMost(`${beyondIdle} every 5 s, dearest of cheapest`, spread, { target: 1.2 }),
        atMost(`${beyondIdle} at one rate of calls, dearest of cheapest`, spreadAtOneRate, { target: 1.2 }),
        atMost('polls that failed, of all sides', failedPolls, { target: 0 }),
      ],
    }
  },
  async isolation() {
    const figures = await measureIsolation(rounds)
    return {
      figures,
      lines: [
        atMost('p95 of healthy endpoints beside hanging ones, of the same alone', figures.ofAlone, {
          target: 2,
        }),
        atLeast('webhooks at each healthy endpoint beside hanging ones, of the same alone', figures.arrived, {
          target: 0.95,
        }),
      ],
    }
  },
  async start() {
    const tasks = quick ? 5_000 : 100_000
    const figures = await measureStart(rounds, tasks)
    return {
      figures,
      lines: [
        atMost(`ready with ${tasks} tasks, ms`, figures.packaged.readyMs, { target: 3000, aim: 1000 }),
        atMost(`all of ${tasks} tasks scheduled, ms`, figures.packaged.scheduledMs),
        atMost(`ready from the sources, with ${tasks} tasks, ms`, figures.sources.readyMs),
        atMost(`all of ${tasks} tasks scheduled from the sources, ms`, figures.sources.scheduledMs),
      ],
    }
  },
}

const names = positionals.length > 0 ? positionals : Object.keys(measures)
const unknown = names.filter((name) => !Object.hasOwn(measures, name))
if (unknown.length > 0)
  refuse(`no such measure: ${unknown.join(', ')}; there are ${Object.keys(measures).join(', ')}`)
// Before the hour that it takes: so are the commit, and whether the file can be written.
if (values.json !== undefined) keep(values.json, '', 'a')
const begun = { at: new Date().toISOString(), ...code(), machine: machine(), rounds, quick }
if (begun.machine.files === 'tmpfs')
  console.warn(
    `${tmpdir()} is in memory: what is durable costs nothing there. Set TMPDIR to a folder on a disk.`,
  )
const results: Record<string, Result | { error: string }> = {}
for (const name of names) {
  try {
    const result = await measures[name]!()
    results[name] = { ...result, rounds: takeRounds() }
    for (const { side, reason } of result.skipped ?? []) {
      console.log(`${name}: not measured beside ${side}: ${reason}`)
    }
  } catch (error) {
    // What the others came to is not lost by it.
    takeRounds()
    results[name] = { error: String(error) }
    console.error(`${name} failed:`, error)
    process.exitCode = 1
  }
}
printTable(Object.values(results).flatMap((result) => ('lines' in result ? result.lines : [])))
if (quick) console.log('Quick: few rounds and small loads, so no verdict here counts.')
if (values.json !== undefined) keep(values.json, `${JSON.stringify({ ...begun, results }, null, 2)}\n`)
process.exit()

function readArgs() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { rounds: { type: 'string' }, quick: { type: 'boolean' }, json: { type: 'string' } },
    })
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function refuse(why: string): never {
  console.error(`${why}\n${usage}`)
  process.exit(1)
}

function keep(path: string, text: string, flag = 'w'): void {
  try {
    writeFileSync(path, text, { flag })
  } catch (error) {
    refuse(`${path} cannot be written: ${(error as Error).message}`)
  }
}

/** What was measured: the commit, and whether files of it were changed. */
function code() {
  const git = (...args: string[]) => spawnSync('git', args, { encoding: 'utf8' }).stdout?.trim() ?? ''
  return { commit: git('rev-parse', 'HEAD') || null, changed: git('status', '--porcelain', '-uno') !== '' }
}

function machine() {
  const system = `${platform()} ${arch()}`
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  // statfs(2): TMPFS_MAGIC.
  const files = statfsSync(tmpdir()).type === 0x01021994 ? 'tmpfs' : 'disk'
  const cpu = cpus()[0]?.model ?? null
  return { node: process.version, system, cpu, cores: availableParallelism(), memoryGiB, files }
}
