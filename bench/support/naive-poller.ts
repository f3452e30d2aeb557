/** What customers write: a timer and a fetch for each task. Reports what a window of time cost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { makeTokens } from './tasks.ts'

const intervalMs = 5_000
let polled = 0
let failed = 0
const last = new Map<string, unknown>()
for (const token of makeTokens(Number(process.env.TASKS))) {
  const ask = async () => {
    const body = new URLSearchParams({ task_tokens: token })
    const answer = await fetch(`${process.env.UPSTREAM}/v1/status`, { method: 'POST', body })
    const { statuses } = (await answer.json()) as { statuses: Record<string, { percent: number }> }
    last.set(token, statuses[token]?.percent)
    polled++
  }
  // The next after this one has ended: a slow machine must not pile up sockets until there are none left.
  const poll = () =>
    ask()
      .catch(() => failed++)
      .finally(() => setTimeout(poll, intervalMs))
  setTimeout(poll, Math.random() * intervalMs)
}
await sleep(Number(process.env.WARM_UP_MS))
polled = 0
failed = 0
const cpu = process.cpuUsage()
const startedAt = performance.now()
await sleep(Number(process.env.WINDOW_MS))
const { user, system } = process.cpuUsage(cpu)
const ms = performance.now() - startedAt
process.send?.({
  cpuMicrosPerPoll: (user + system) / polled,
  pollsPerSecond: (polled / ms) * 1000,
  failedPolls: failed,
})
process.once('message', () => {
  process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage() })
  process.exit(0)
})
