/**
 * What polling costs. Without changes: the CPU of a poll beside a script with one timer and one fetch for each task,
 * which records nothing either, and whether a task costs the same at 1,000, 10,000 and 100,000 of them, beyond what a
 * relay without tasks costs. With 200 changes a second, recorded and delivered: the share of a core and the memory of
 * a task at the largest size.
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
}

interface ScriptPolling {
  cpuMicrosPerPoll: number
  pollsPerSecond: number
  failedPolls: number
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
}

/** The process asks an upstream of its own and reports once its window is over. */
async function watch<T>(file: string, { tasks, secondsPerChange, receiver, windowMs }: Run): Promise<T> {
  const upstream = await startProcess<{ url: string }>('status-upstream.ts', {
    SECONDS_PER_CHANGE: String(secondsPerChange),
  })
  const env = {
    TASKS: String(tasks),
    UPSTREAM: upstream.ready.url,
    RECEIVER: receiver,
    WINDOW_MS: String(windowMs),
    WARM_UP_MS: String(11_000 + tasks / 10),
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
  const relay = (tasks: number, secondsPerChange: number) => () =>
    watch<Polling>('polling-relay.ts', { tasks, secondsPerChange, receiver: sink.origin, windowMs })
  const most = sizes.at(-1) as number
  const sides: Record<string, () => Promise<Polling | ScriptPolling>> = {
    idle: relay(0, neverSeconds),
    ...Object.fromEntries(sizes.map((tasks) => [`quiet ${tasks}`, relay(tasks, neverSeconds)])),
    quietAsScript: relay(scriptTasks, neverSeconds),
    script: () =>
      watch<ScriptPolling>('naive-poller.ts', {
        tasks: scriptTasks,
        secondsPerChange: neverSeconds,
        receiver: sink.origin,
        windowMs,
      }),
    changing: relay(most, most / changesPerSecond),
  }
  // A size that is the script's is not run twice.
  if (sizes.includes(scriptTasks)) delete sides.quietAsScript
  const medians: Partial<Record<string, Polling | ScriptPolling>> = await mediansBeside(rounds, sides, {
    warmUp: false,
  })
  sink.stop()
  const idleShare = (medians.idle as Polling).cpuShare
  const quiet = sizes.map((size) => {
    const figures = medians[`quiet ${size}`] as Polling
    const beyondIdleMicrosPerPoll = ((figures.cpuShare - idleShare) * 1e6) / figures.pollsPerSecond
    return { size, ...figures, beyondIdleMicrosPerPoll }
  })
  const costs = quiet.map(({ beyondIdleMicrosPerPoll }) => beyondIdleMicrosPerPoll)
  const asScript = (medians.quietAsScript ?? medians[`quiet ${scriptTasks}`]) as Polling
  const script = medians.script as ScriptPolling
  return {
    idleShare,
    quiet,
    changing: { size: most, ...(medians.changing as Polling) },
    script: { size: scriptTasks, ...script },
    ofScript: asScript.cpuMicrosPerPoll / script.cpuMicrosPerPoll,
    /** The dearest poll of the sizes in terms of the cheapest, beyond an idle relay. */
    spread: Math.max(...costs) / Math.min(...costs),
  }
}

if (process.argv[1] === import.meta.filename) {
  const [rounds = 1, windowMs = 20_000, ...sizes] = process.argv.slice(2).map(Number)
  console.log(await measurePolling(rounds, sizes.length > 0 ? sizes : [1_000, 10_000, 100_000], windowMs))
  process.exit(0)
}
