/** The Sender port as a script: receivers by origin, each with its own moods. Records every request. */
import { createHmac } from 'node:crypto'
import type { Outcome } from '../../src/core/outcome.ts'
import type { Sender, SendRequest } from '../../src/ports.ts'
import type { FaultMix } from './faults.ts'
import type { Promised, Send, SendContext } from './history.ts'
import type { Rng } from './random.ts'
import type { Life, World } from './world.ts'

type Mood =
  | 'fine'
  | 'error500'
  | 'error503'
  | 'hang'
  | 'reset'
  | 'dns'
  | 'redirect'
  | 'notFound'
  | 'gone'
  | 'busy429'
  | 'busy429wait'
  | 'busy503wait'
  | 'busy429date'
  | 'slow'
  | 'acceptsTooLate'
  | 'refused'

/** The first is always well: what others suffer must not touch it (CONTRACT §4.5). */
export const origins = ['https://r0.example.com', ...[1, 2, 3, 4].map((n) => `https://r${n}.example.com`)]
export const healthyOrigin = origins[0]!

export interface ReceiverKnowledge {
  promised(subscriptionRow: number): Promised | null
  /** Secrets that must sign first; null when no answer tells. */
  secretOf(subscriptionRow: number): string | null
}

const moodsOf: Partial<Record<string, readonly Mood[]>> = {
  fails: ['error500', 'error503'],
  hangs: ['hang'],
  resets: ['reset', 'dns'],
  rejects: ['redirect', 'notFound'],
  gone: ['gone'],
  retryAfter: ['busy429', 'busy429wait', 'busy503wait', 'busy429date'],
  slowReceivers: ['slow'],
  lateAccepts: ['acceptsTooLate'],
  refused: ['refused'],
}

export function createReceivers(world: World, knowledge: ReceiverKnowledge, spanMs: number) {
  const { clock, history } = world
  const random = world.random.fork('receivers')
  const moods = drawMoods(random.fork('moods'), world.faults, spanMs)

  function moodOf(origin: string): Mood {
    if (world.healed() || origin === healthyOrigin) return 'fine'
    const at = clock.elapsed()
    const spell = moods.get(origin)?.find(({ to }) => at < to)
    if (spell === undefined || spell.mood === 'fine') return 'fine'
    return random.chance(spell.share) ? spell.mood : 'fine'
  }

  function record(life: Life, request: SendRequest): Send {
    const body = JSON.parse(request.body) as { data: { subscription_id: string } }
    const webhookId = request.headers['webhook-id'] ?? ''
    const context = contextOf(world, webhookId)
    const send: Send = {
      start: world.moment(),
      end: null,
      url: request.url,
      webhookId,
      body: request.body,
      timestamp: Number(request.headers['webhook-timestamp']),
      context,
      promised: context === null ? null : knowledge.promised(context.subscriptionId),
      signedRight: isSigned(request, context && knowledge.secretOf(context.subscriptionId)),
      receiverAccepted: false,
      outcome: null,
      healed: world.healed(),
    }
    send.start.incarnation = life.n
    if (!webhookId.includes(body.data.subscription_id.slice(4)) && context?.type !== 'pollhook.test') {
      world.violate('3 webhook-id', `${webhookId} is not made from its subscription`)
    }
    history.sends.push(send)
    return send
  }

  function deliver(life: Life, request: SendRequest): Promise<Outcome> {
    if (!life.alive()) return new Promise(() => {})
    if (world.connectionBusy()) world.violate('DESIGN 3.2', 'a request inside a transaction')
    if (world.crashPoint('before sender.send')) return new Promise(() => {})
    const send = record(life, request)
    const mood = moodOf(new URL(request.url).origin)
    const { outcome, waitMs } = react(random, mood, { timeoutMs: request.timeoutMs, now: clock.now })
    return new Promise((resolve) => {
      const arrivesMs = Math.min(waitMs, 5)
      clock.after(arrivesMs, () => {
        send.receiverAccepted = outcome().kind === 'accepted' || mood === 'acceptsTooLate'
        if (life.alive()) world.crashPoint('after the receiver saw it')
      })
      clock.after(waitMs, () => {
        if (!life.alive() || world.crashPoint('before the outcome of sender.send')) return
        send.outcome = outcome()
        send.end = world.moment()
        trace(world, send)
        resolve(send.outcome)
        clock.after(0, () => life.alive() && world.crashPoint('after sender.send'))
      })
    })
  }

  return { port: (life: Life): Sender => ({ send: (request) => deliver(life, request) }) }
}

function trace(world: World, send: Send): void {
  const { context, outcome } = send
  const code = outcome && ('statusCode' in outcome ? outcome.statusCode : outcome.errorCode)
  world.trace(
    `${new URL(send.url).host} ${send.webhookId} ${context?.type} try ${(context?.attempts ?? 0) + 1} -> ${outcome?.kind} ${code}`,
  )
}

/** What the database says of the delivery that is being sent. */
function contextOf(world: World, webhookId: string): SendContext | null {
  return world.rows<SendContext>(contextSql, webhookId)[0] ?? null
}

const contextSql = `select d.id as deliveryId, d.subscription_id as subscriptionId, d.endpoint_id as endpointId,
  d.type, d.seq, d.rank, d.state, d.attempts, d.schedule_from as scheduleFrom, s.callback_url as callbackUrl,
  s.paused as subscriptionPaused, s.end_state as subscriptionEnd, e.paused as endpointPaused,
  e.max_concurrency as maxConcurrency, e.max_per_second as maxPerSecond,
  exists (select 1 from deliveries n where n.subscription_id = d.subscription_id and n.id > d.id and n.rank = 2)
    as newerExists
  from deliveries d join subscriptions s on s.id = d.subscription_id join endpoints e on e.id = s.endpoint_id
  where d.webhook_id = ?`

function isSigned(request: SendRequest, secret: string | null): boolean {
  if (secret === null) return true
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
  const mac = createHmac('sha256', Buffer.from(secret.slice('whsec_'.length), 'base64'))
  mac.update(`${id}.${timestamp}.${request.body}`)
  return signature?.split(' ')[0] === `v1,${mac.digest('base64')}`
}

function drawMoods(random: Rng, faults: FaultMix, spanMs: number) {
  const available = Object.entries(moodsOf).flatMap(([fault, moods]) =>
    faults.has(fault as Parameters<FaultMix['has']>[0]) ? (moods ?? []) : [],
  )
  const moods = new Map<string, { to: number; mood: Mood; share: number }[]>()
  for (const origin of origins.slice(1)) {
    const spells: { to: number; mood: Mood; share: number }[] = []
    for (let at = 0; at < spanMs && available.length > 0; ) {
      at += random.pick([20_000, 120_000, 600_000])
      // A 410 ends every subscription it meets: seldom, or nothing is left to look at.
      const mood = random.chance(0.35) ? 'fine' : random.pick(available)
      spells.push({ to: at, mood, share: mood === 'gone' ? 0.05 : random.pick([0.3, 1, 1]) })
    }
    moods.set(origin, spells)
  }
  return moods
}

interface Reaction {
  /** Made when the answer is: a date in it counts from then. */
  outcome: () => Outcome
  waitMs: number
}

function react(random: Rng, mood: Mood, of: { timeoutMs: number; now: () => number }): Reaction {
  const quickMs = random.int(5, 300)
  const rejected = (statusCode: number, retryAfter: string | null = null): Reaction => {
    const outcome: Outcome = { kind: 'rejected', statusCode, retryAfter, responseBody: null }
    return { outcome: () => outcome, waitMs: quickMs }
  }
  const unreachable = (
    errorCode: 'timeout' | 'connection_reset' | 'dns_error',
    waitMs: number,
  ): Reaction => ({
    outcome: () => ({ kind: 'unreachable', errorCode }),
    waitMs,
  })
  const accepted: Outcome = { kind: 'accepted', statusCode: random.pick([200, 202, 204]), responseBody: null }
  switch (mood) {
    case 'fine':
      return { outcome: () => accepted, waitMs: quickMs }
    case 'slow':
      return { outcome: () => accepted, waitMs: random.int(500, of.timeoutMs - 1) }
    case 'hang':
    case 'acceptsTooLate':
      return unreachable('timeout', of.timeoutMs)
    case 'reset':
      return unreachable('connection_reset', quickMs)
    case 'dns':
      return unreachable('dns_error', quickMs)
    case 'refused':
      return { outcome: () => ({ kind: 'refused', errorCode: 'blocked_address' }), waitMs: quickMs }
    case 'error500':
      return rejected(500)
    case 'error503':
      return rejected(503)
    case 'redirect':
      return rejected(307)
    case 'notFound':
      return rejected(404)
    case 'gone':
      return rejected(410)
    case 'busy429':
      return rejected(429)
    case 'busy429wait':
      return rejected(429, String(random.pick([1, 20, 90, 400])))
    case 'busy503wait':
      return rejected(503, String(random.pick([2, 30, 120])))
    case 'busy429date': {
      const seconds = random.pick([10, 100])
      const date = () => new Date(of.now() + seconds * 1000).toUTCString()
      return { ...rejected(429), outcome: () => ({ ...rejectedAt(date()) }) }
    }
  }
}

function rejectedAt(retryAfter: string): Outcome {
  return { kind: 'rejected', statusCode: 429, retryAfter, responseBody: null }
}
