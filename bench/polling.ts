/**
 * What polling costs. Without changes: the CPU of a poll beside a script with one timer and one fetch for each task,
 * which records nothing either, and beside a bare loop of the same calls; and whether a poll costs the same at 1,000,
 * 10,000 and 100,000 tasks, beyond what a relay without tasks costs: each polled every 5 s, and at intervals at which
 * there are about as many calls a second of each size. With 200 changes a second, recorded and delivered: the share of a
 * core, beside the bare loop's that writes and POSTs each, and the memory of a task, at the largest size.
 */
import { mediansBeside } from './support/beside.ts'
import { startProcess } from './support/processes.ts'
import { startSink } from './support/receiver.ts'

export interface Polling {
  bytesPerTask: number
  cpuShare: number
  cpuMicrosPerPoll: number
  pollsPerSecond: number
  /** Polls are compared across sizes only where their calls are about as full. */
  tokensPerCall: number
  changesPerSecond: number
  failedPolls: number
}

/** Of something that polls and is no relay. */
interface BarePolling {
  cpuMicrosPerPoll: number
  pollsPerSecond: number
  failedPolls: number
}

/** Of a bare loop that tells what changed. */
interface BareTelling extends BarePolling {
  cpuShare: number
  changesPerSecond: number
}

const changesPerSecond = 200
const scriptTasks = 10_000
/** So that nothing changes for as long as anybody measures. */
const neverSeconds = 1e9

interface Run {
  tasks: number
  secondsPerChange: number
  receiver: string
  windowMs: number
  intervalMs?: number
  /** Of a bare loop: whether it writes down and POSTs what changed. */
  tells?: boolean
}

/** The process asks an upstream of its own and reports once its window is over. */
async function watch<T>(file: string, run: Run): Promise<T> {
  const { tasks, secondsPerChange, receiver, windowMs, intervalMs = 5_000, tells = false } = run
  const upstream = await startProcess<{ url: string }>('status-upstream.ts', {
    SECONDS_PER_CHANGE: String(secondsPerChange),
  })
  const env = {
    TASKS: String(tasks),
    UPSTREAM: upstream.ready.url,
    RECEIVER: receiver,
    WINDOW_MS: String(windowMs),
    INTERVAL: `${intervalMs}ms`,
    WARM_UP_MS: String(11_000 + tasks / 10),
    ...(tells && { TELL: '1' }),
  }
  const { ready: figures, stop } = await startProcess<T>(file, env, ['--expose-gc'])
  await stop()
  await upstream.stop()
  return figures
}

/**
 * @param sizes counts of tasks, the largest last
 * @param windowMs how long each is watched once it runs evenly
 */
export async function measurePolling(rounds: number, sizes: readonly number[], windowMs: number) {
  const sink = await startSink()
  const receiver = sink.origin
  const relay = (tasks: number, secondsPerChange: number, intervalMs?: number) => () =>
    watch<Polling>('polling-relay.ts', {
      tasks,
      secondsPerChange,
      receiver,
      windowMs,
      ...(intervalMs !== undefined && { intervalMs }),
    })
  const bare =
    (file: string, tasks: number, more: Partial<Run> = {}) =>
    () =>
      watch<BarePolling>(file, { tasks, secondsPerChange: neverSeconds, receiver, windowMs, ...more })
  const most = sizes.at(-1) as number
  const atOneRate = sizes.filter((tasks) => tasks !== most)
  const sides: Record<string, () => Promise<Polling | BarePolling>> = {
    idle: relay(0, neverSeconds),
    ...Object.fromEntries(sizes.map((tasks) => [`quiet ${tasks}`, relay(tasks, neverSeconds)])),
    ...Object.fromEntries(
      atOneRate.map((tasks) => [`at one rate ${tasks}`, relay(tasks, neverSeconds, (5_000 * tasks) / most)]),
    ),
    calls: bare('bare-poller.ts', most),
    quietAsScript: relay(scriptTasks, neverSeconds),
    script: bare('naive-poller.ts', scriptTasks),
    changing: relay(most, most / changesPerSecond),
    tellingCalls: bare('bare-poller.ts', most, { secondsPerChange: most / changesPerSecond, tells: true }),
  }
  // A size that is the script's is not run twice.
  if (sizes.includes(scriptTasks)) delete sides.quietAsScript
  const medians: Partial<Record<string, Polling | BarePolling>> = await mediansBeside(rounds, sides, {
    warmUp: false,
  })
  sink.stop()
  const idleShare = (medians.idle as Polling).cpuShare
  const beyondIdle = (side: string, size: number) => {
    const figures = medians[side] as Polling
    const beyondIdleMicrosPerPoll = ((figures.cpuShare - idleShare) * 1e6) / figures.pollsPerSecond
    return { size, ...figures, beyondIdleMicrosPerPoll }
  }
  const quiet = sizes.map((size) => beyondIdle(`quiet ${size}`, size))
  const largest = beyondIdle(`quiet ${most}`, most)
  const evenly = [...atOneRate.map((size) => beyondIdle(`at one rate ${size}`, size)), largest]
  const asScript = (medians.quietAsScript ?? medians[`quiet ${scriptTasks}`]) as Polling
  const script = medians.script as BarePolling
  const calls = medians.calls as BarePolling
  const changing = medians.changing as Polling
  const tellingCalls = medians.tellingCalls as BareTelling
  return {
    idleShare,
    quiet,
    evenly,
    changing: { size: most, ...changing },
    script: { size: scriptTasks, ...script },
    calls: { size: most, ...calls },
    tellingCalls: { size: most, ...tellingCalls },
    ofScript: asScript.cpuMicrosPerPoll / script.cpuMicrosPerPoll,
    ofTellingCalls: changing.cpuShare / tellingCalls.cpuShare,
    ofCalls: largest.cpuMicrosPerPoll / calls.cpuMicrosPerPoll,
    /** Of all sides together: a poll that failed makes those that did not look dearer, or cheaper. */
    failedPolls: Object.values(medians).reduce((sum, side) => sum + (side?.failedPolls ?? 0), 0),
    spread: spreadOf(quiet),
    spreadAtOneRate: spreadOf(evenly),
  }
}

/** The dearest poll of the sizes in terms of the cheapest, beyond an idle relay. */
function spreadOf(sizes: readonly { beyondIdleMicrosPerPoll: number }[]): number {
  const costs = sizes.map(({ beyondIdleMicrosPerPoll }) => beyondIdleMicrosPerPoll)
  return Math.max(...costs) / Math.min(...costs)
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 1, windowMs = 20_000, ...sizes] = process.argv.slice(2).map(Number)
  console.log(await measurePolling(rounds, sizes.length > 0 ? sizes : [1_000, 10_000, 100_000], windowMs))
  process.exit(0)
}
