/**
 * The calls of a relay with `TASKS` tasks and nothing else: a hundred tokens each, by undici's `dispatch`, the answer
 * parsed as it is, which costs more than the relay's way, and compared with the one before. No schedule, no host, no
 * limit, and no store but with `TELL`, when what changed is written down and told. Reports what a window of time cost.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent } from 'undici'
import { type BareChange, openBareOutbox } from './bare-outbox.ts'
import { makeTokens } from './tasks.ts'

interface Task {
  token: string
  status: string
  percent: number
}

interface Answer {
  statuses: Record<string, Pick<Task, 'status' | 'percent'>>
}

const tasks: Task[] = makeTokens(Number(process.env.TASKS)).map((token) => ({
  token,
  status: '',
  percent: -1,
}))
const origin = process.env.UPSTREAM ?? ''
const outbox = process.env.TELL
  ? openBareOutbox(
      process.env.RECEIVER ?? '',
      tasks.map(({ token }) => token),
    )
  : null
const tokensPerCall = 100
const intervalMs = 5_000
const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' }
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 })
let polled = 0
let failed = 0

function ask(batch: readonly Task[]): void {
  const chunks: Buffer[] = []
  const body = `task_tokens[]=${batch.map(({ token }) => token).join('&task_tokens[]=')}`
  agent.dispatch(
    { origin, path: '/v1/status', method: 'POST', headers, body },
    {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData(_controller, chunk) {
        chunks.push(chunk)
      },
      onResponseEnd() {
        const { statuses } = JSON.parse(Buffer.concat(chunks).toString()) as Answer
        const changes: BareChange[] = []
        for (const task of batch) {
          const { status, percent } = statuses[task.token]!
          if (status === task.status && percent === task.percent) continue
          // What a first poll finds is no change: it would take minutes to tell one of each task.
          if (task.status !== '') changes.push({ token: task.token, percent })
          Object.assign(task, { status, percent })
        }
        if (changes.length > 0) outbox?.tell(changes)
        polled += batch.length
      },
      onResponseError() {
        failed += batch.length
      },
    },
  )
}

/** Every task once in an interval, and not always in the same company: those of a relay mix as well. */
function askInTurns(): void {
  const msPerCall = (intervalMs * tokensPerCall) / tasks.length
  const step = 7_919
  let asked = 0
  let owed = 0
  let lookedAt = performance.now()
  setInterval(
    () => {
      const now = performance.now()
      owed += (now - lookedAt) / msPerCall
      lookedAt = now
      for (; owed >= 1; owed--) {
        const batch = Array.from({ length: tokensPerCall }, () => {
          const round = Math.floor(asked / tasks.length)
          return tasks[(asked++ * step + round) % tasks.length]!
        })
        ask(batch)
      }
    },
    Math.max(5, msPerCall),
  )
}

askInTurns()
await sleep(Number(process.env.WARM_UP_MS))
polled = 0
failed = 0
const toldBefore = outbox?.told() ?? 0
const cpu = process.cpuUsage()
const startedAt = performance.now()
const windowMs = Number(process.env.WINDOW_MS)
await sleep(windowMs)
const { user, system } = process.cpuUsage(cpu)
const ms = performance.now() - startedAt
process.send?.({
  cpuShare: (user + system) / 1000 / ms,
  cpuMicrosPerPoll: (user + system) / polled,
  pollsPerSecond: (polled / ms) * 1000,
  changesPerSecond: (((outbox?.told() ?? 0) - toldBefore) / ms) * 1000,
  failedPolls: failed,
})
process.once('message', () => {
  process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage() })
  process.exit(0)
})
