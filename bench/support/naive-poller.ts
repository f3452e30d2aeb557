/** What customers write: a timer and a fetch for each task. Reports what a window of time cost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { makeTokens } from './tasks.ts'

let polled = 0
const last = new Map<string, unknown>()
for (const token of makeTokens(Number(process.env.TASKS))) {
  const poll = async () => {
    const body = new URLSearchParams({ task_tokens: token })
    const answer = await fetch(`${process.env.UPSTREAM}/v1/status`, { method: 'POST', body })
    const { statuses } = (await answer.json()) as { statuses: Record<string, { percent: number }> }
    last.set(token, statuses[token]?.percent)
    polled++
  }
  setTimeout(() => setInterval(() => void poll(), 5_000), Math.random() * 5_000)
}
await sleep(Number(process.env.WARM_UP_MS))
polled = 0
const cpu = process.cpuUsage()
await sleep(Number(process.env.WINDOW_MS))
const { user, system } = process.cpuUsage(cpu)
process.send?.({ cpuMicrosPerPoll: (user + system) / polled, polled })
process.once('message', () => process.exit(0))
