/** A relay with `TASKS` active tasks at an interval of `INTERVAL`, in a process of its own; reports what a window of time cost. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createUpstreamFetch } from '../../src/net/node/upstream-fetch.ts'
import { createUpstream } from '../../src/net/qencode.ts'
import { type BenchRelay, openRelay } from './relay.ts'
import { makeTokens, register, registration } from './tasks.ts'

const tasks = Number(process.env.TASKS)
const windowMs = Number(process.env.WINDOW_MS)
let polled = 0
let failed = 0
let calls = 0
let changes = 0

/** @param count of tasks, each polled once an `interval` */
function open(count: number, interval: string): BenchRelay {
  const upstreamFetch = createUpstreamFetch()
  const opened = openRelay({
    env: {
      POLLHOOK_UPSTREAM_URL: process.env.UPSTREAM ?? '',
      POLLHOOK_POLL_INTERVAL: interval,
      POLLHOOK_POLL_INTERVAL_MAX: interval,
      POLLHOOK_OWNER_QUOTA: '10000000',
    },
    upstream: createUpstream({ fetch: upstreamFetch.fetch, timeoutMs: 20_000, userAgent: 'Pollhook/bench' }),
    observer: {
      called({ tokens, outcome }) {
        calls++
        if (outcome === 'statuses') polled += tokens
        else failed += tokens
      },
      recorded(records) {
        changes += records.length
      },
    },
  })
  register(
    opened.relay,
    makeTokens(count).map((token) => ({
      ...registration(opened.ownerId, token, `${process.env.RECEIVER}/hook`),
      metadata: {},
    })),
  )
  opened.relay.start()
  return {
    ...opened,
    async close() {
      await opened.close()
      await upstreamFetch.close()
    },
  }
}

const heap = () => {
  global.gc?.()
  return process.memoryUsage().heapUsed
}
// A relay runs for days, and with few calls a second V8 takes minutes to compile what a poll runs: as many calls as in
// two of its minutes with 10,000 tasks come first. The bare loops make as many fetches in their own warm-up.
const warmUp = open(5_000, '250ms')
await sleep(12_000)
await warmUp.close()
const before = heap()
const { relay } = open(tasks, process.env.INTERVAL ?? '5s')
// The first polls find every task new: they are told before the window opens.
await sleep(Number(process.env.WARM_UP_MS))
while (relay.store.oldestDueAt(Date.now() - 1_000) !== null) await sleep(500)
polled = 0
failed = 0
calls = 0
changes = 0
const cpu = process.cpuUsage()
const startedAt = performance.now()
await sleep(windowMs)
const { user, system } = process.cpuUsage(cpu)
const ms = performance.now() - startedAt
// After the window: garbage that is collected before it is none that the window has to collect.
const bytesPerTask = tasks === 0 ? 0 : (heap() - before) / tasks
process.send?.({
  bytesPerTask,
  cpuShare: (user + system) / 1000 / ms,
  cpuMicrosPerPoll: polled === 0 ? 0 : (user + system) / polled,
  pollsPerSecond: (polled / ms) * 1000,
  tokensPerCall: calls === 0 ? 0 : polled / calls,
  changesPerSecond: (changes / ms) * 1000,
  failedPolls: failed,
})
process.once('message', () => {
  process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage() })
  process.exit(0)
})
