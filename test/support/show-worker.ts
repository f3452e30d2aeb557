/**
 * `npm run show:worker`: 200 tasks on 4 shards in `wrangler dev`, killed in the middle and started again. Ends with code 0
 * when every terminal webhook came, all were signed, and each subscription's were in order; with 130 when interrupted.
 */

import { createReceiver, type ReceivedWebhook } from '../../src/cli/receiver.ts'
import { isTerminalType } from '../../src/core/transition.ts'
import { createSimulator } from '../../src/simulator/simulator.ts'
import { endOnSignal, setUpWorker, startWorker } from './worker-process.ts'

const tasks = 200
const limitMs = 240_000
const startedAt = Date.now()
const say = (text: string) =>
  process.stdout.write(`${((Date.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}\n`)

const simulator = await createSimulator({ masters: 3, durationMs: 40_000, failRate: 0.1, seed: 1 })
const setup = setUpWorker(simulator.url, { POLLHOOK_SHARDS: '4', POLLHOOK_RETRY_SCHEDULE: '1s,2s,5s,5m' })
endOnSignal(() => {
  setup.remove()
  return 130
})
let worker = await startWorker(setup)
say(`wrangler dev listens, 4 shards`)

const call = async (path: string, body?: object) => {
  const headers = { authorization: `Bearer ${setup.apiKey}`, 'content-type': 'application/json' }
  const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
  return (await fetch(`${worker.url}${path}`, init)).json() as Promise<Record<string, unknown>>
}

const seen: ReceivedWebhook[] = []
const lastSeq = new Map<string, number>()
const ended = new Set<string>()
let unordered = 0
let check = (): void => {}
const { secrets } = (await call('/v1/signing-secret')) as { secrets: { secret: string }[] }
const receiver = await createReceiver({
  secrets: secrets.map(({ secret }) => secret),
  onWebhook(webhook) {
    seen.push(webhook)
    const data = webhook.event?.data
    if (data === undefined || webhook.repeat) return
    const seq = data.seq ?? 0
    if (seq <= (lastSeq.get(data.subscription_id) ?? 0)) unordered++
    lastSeq.set(data.subscription_id, seq)
    if (isTerminalType(webhook.event?.type ?? '')) ended.add(data.subscription_id)
    check()
  },
})

function untilEnded(count: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), limitMs)
    check = () => {
      if (ended.size < count) return
      clearTimeout(timer)
      resolve(true)
    }
    check()
  })
}

const jobs = Array.from({ length: tasks }, (_, i) => simulator.createJob({ durationMs: 15_000 + i * 125 }))
const { results } = (await call('/v1/subscriptions/batch', {
  subscriptions: jobs.map(({ taskToken, statusUrl }) => ({
    task_token: taskToken,
    callback_url: receiver.url,
    status_url: statusUrl,
    percent_step: 10,
  })),
})) as { results: { status: number; subscription?: { id: string } }[] }
const shards = new Set(results.map(({ subscription }) => subscription?.id.slice(4, 8)))
say(
  `${results.filter(({ status }) => status === 201).length} registered in one batch, on ${shards.size} shards`,
)

await untilEnded(tasks / 2)
const before = { webhooks: seen.length, ended: ended.size }
await worker.kill()
say(`killed: ${before.webhooks} webhooks so far, ${before.ended} tasks at their end`)
worker = await startWorker(setup)
say('started again')
// Nobody calls it: the alarms of the shards are the way back.
const complete = await untilEnded(tasks)
say(`${seen.length} webhooks, ${ended.size} of ${tasks} terminal ones`)
say(
  `verified: ${seen.filter(({ verified }) => verified).length}, repeats: ${seen.filter(({ repeat }) => repeat).length}, out of order: ${unordered}`,
)
await worker.kill()
await receiver.close()
await simulator.close()
setup.remove()
process.exit(complete && unordered === 0 && seen.every(({ verified }) => verified) ? 0 : 1)
