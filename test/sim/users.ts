/** Users of the API: commands at random times, and what their answers promised. */
import { decodeId } from '../../src/core/ids.ts'
import type { Relay } from '../../src/relay.ts'
import type { SubscriptionInput, SubscriptionPatch } from '../../src/store/records.ts'
import type { Fault } from './faults.ts'
import type { Command, Promised } from './history.ts'
import type { Job } from './jobs.ts'
import { origins } from './receivers.ts'
import type { World } from './world.ts'

interface Known extends Promised {
  id: string
  job: Job
  input: SubscriptionInput
  secret: string | null
  /** False after a command that was not answered. */
  certain: boolean
}

type Act = (relay: Relay) => Promise<void>

const patterns = [
  ['*'],
  ['*'],
  ['task.*'],
  ['task.completed', 'task.failed', 'task.cancelled', 'task.lost'],
  ['task.progress', 'task.completed'],
  ['task.encoding', 'task.expired'],
]

export function createUsers(world: World, jobs: readonly Job[], excuse: (token: string) => void) {
  const { faults, history } = world
  const random = world.random.fork('users')
  const known = new Map<number, Known>()
  const newestSecret = new Map<number, string>()

  function note(kind: string, of: Partial<Command> = {}): void {
    history.commands.push({ moment: world.moment(), kind, detail: {}, ...of })
    world.trace(`api ${kind} ${JSON.stringify({ ...of, moment: undefined })}`)
  }

  function drawInput(relay: Relay): { input: SubscriptionInput; job: Job } {
    const job = random.pick(jobs)
    const short = job.kind === 'endless' || (faults.has('expiry') && random.chance(0.2))
    const input: SubscriptionInput = {
      ownerId: random.pick(relay.owners).id,
      taskToken: job.token,
      callbackUrl: `${random.pick(origins)}/hook/${random.int(0, 2)}`,
      statusUrl: random.chance(0.5) ? `${job.hosts[0]!.origin}/v1/status` : null,
      events: random.pick(patterns),
      percentStep: random.pick([1, 5, 10, 10, 25]),
      metadata: random.chance(0.3) ? { job: 'x' } : {},
      secret: random.chance(0.3) ? drawSecret() : null,
      expiresInMs: short ? random.int(20_000, 400_000) : 86_400_000,
    }
    return { input, job }
  }

  function drawSecret(): string {
    return `whsec_${Buffer.from(random.bytes(24)).toString('base64')}`
  }

  async function register(relay: Relay): Promise<void> {
    const count = random.chance(0.2) ? random.int(2, 5) : 1
    await subscribe(
      relay,
      Array.from({ length: count }, () => drawInput(relay)),
    )
  }

  async function subscribe(relay: Relay, drawn: { input: SubscriptionInput; job: Job }[]): Promise<void> {
    const results = await relay.commands.subscribe(drawn.map(({ input }) => input))
    for (const [i, result] of results.entries()) {
      const { input, job } = drawn[i]!
      if (result.kind !== 'created') {
        note(`subscribe ${result.kind}`)
        continue
      }
      const { id } = result.subscription
      history.created.set(id, { token: job.token, moment: world.moment() })
      const { ownerId, callbackUrl: url, secret } = input
      known.set(rowOf(id), {
        id,
        job,
        input,
        ownerId,
        url,
        secret,
        paused: false,
        cancelled: false,
        certain: true,
      })
      note('subscribe', {
        subscription: id,
        detail: { task: job.token.slice(0, 6), url, events: input.events },
      })
    }
  }

  async function reregister(relay: Relay): Promise<void> {
    const one = pickKnown()
    if (one === null) return register(relay)
    const events = random.chance(0.5) ? one.input.events : random.pick(patterns)
    await subscribe(relay, [{ job: one.job, input: { ...one.input, events } }])
  }

  function pickKnown(): Known | null {
    const all = [...known.values()]
    return all.length === 0 ? null : random.pick(all)
  }

  /** A command on one subscription; what is promised of it is unsure until the answer is there. */
  async function on(kind: string, work: (one: Known) => Promise<object>): Promise<void> {
    const one = pickKnown()
    if (one === null) return
    const wasCertain = one.certain
    one.certain = false
    excuse(one.job.token)
    note(`${kind}?`, { subscription: one.id })
    const detail = await work(one)
    one.certain = wasCertain
    note(kind, { subscription: one.id, detail: { ...detail } })
  }

  async function patch(relay: Relay): Promise<void> {
    await on('patch', async (one) => {
      const change = drawPatch(one)
      const result = await relay.commands.updateSubscription(one.ownerId, one.id, change)
      if (result.kind !== 'updated') return { result: result.kind }
      if (change.callbackUrl !== undefined) one.url = change.callbackUrl
      if (change.secret !== undefined) one.secret = change.secret
      if (change.state !== undefined) one.paused = change.state === 'paused'
      return change
    })
  }

  function drawPatch(one: Known): SubscriptionPatch {
    const kinds: (() => SubscriptionPatch)[] = [
      () => ({ events: random.pick(patterns) }),
      () => ({ percentStep: random.pick([1, 5, 20]) }),
      () => ({ callbackUrl: `${random.pick(origins)}/hook/${random.int(0, 3)}` }),
      () => ({ secret: random.chance(0.5) ? null : drawSecret() }),
      () => ({ metadata: { v: '2' } }),
    ]
    if (faults.has('expiry') || one.job.kind === 'endless')
      kinds.push(() => ({ expiresInMs: random.int(10_000, 300_000) }))
    if (faults.has('pause')) {
      const state = () => ({ state: one.paused ? ('active' as const) : ('paused' as const) })
      kinds.push(state, state, state)
    }
    return random.pick(kinds)()
  }

  async function cancel(relay: Relay): Promise<void> {
    await on('cancel', async (one) => {
      await relay.commands.cancelSubscription(one.ownerId, one.id)
      one.cancelled = true
      return {}
    })
  }

  async function test(relay: Relay): Promise<void> {
    await on('test', async (one) => {
      const result = await relay.commands.sendTest(one.ownerId, one.id)
      return { result: result.kind, webhook: result.kind === 'queued' ? result.delivery.webhookId : null }
    })
  }

  async function redeliver(relay: Relay): Promise<void> {
    const ownerId = random.pick(relay.owners).id
    const { data } = relay.store.listDeliveries(ownerId, { limit: 200, cursor: null })
    if (data.length === 0) return
    const delivery = random.pick(data)
    const { webhookId: delivered, subscriptionId: subscription } = delivery
    note('redeliver?', { delivery: delivered, subscription })
    const result = await relay.commands.redeliver(ownerId, delivery.id)
    note(`redeliver ${result.kind}`, { delivery: delivered, subscription, detail: { was: delivery.state } })
  }

  async function redeliverMany(relay: Relay): Promise<void> {
    const ownerId = random.pick(relay.owners).id
    const { data } = relay.store.listDeliveries(ownerId, { limit: 200, cursor: null, state: 'exhausted' })
    // Unanswered or not, some of these may be on their way again from here on.
    for (const { webhookId, subscriptionId: subscription } of data) {
      note('redeliver many', { delivery: webhookId, subscription })
    }
    await relay.commands.redeliverMany(ownerId, { dryRun: random.chance(0.2) })
  }

  async function endpoint(relay: Relay): Promise<void> {
    const ownerId = random.pick(relay.owners).id
    const { data } = relay.store.listEndpoints(ownerId, { limit: 50, cursor: null }, world.clock.now())
    if (data.length === 0) return
    const { id, origin, paused } = random.pick(data)
    const change = random.pick([
      { paused: !paused },
      { paused: !paused },
      { maxConcurrency: random.pick([1, 2, null]) },
      { maxPerSecond: random.pick([0.2, 1, 2, null]) },
    ])
    const detail = { origin, ownerId, ...change }
    note('endpoint?', { endpoint: id, detail })
    await relay.commands.updateEndpoint(ownerId, id, change)
    note('endpoint', { endpoint: id, detail })
  }

  async function rotate(relay: Relay): Promise<void> {
    const ownerId = random.pick(relay.owners).id
    newestSecret.delete(ownerId)
    const secrets = await relay.commands.rotateSigningSecret(ownerId, random.pick([0, 60_000, 3_600_000]))
    newestSecret.set(ownerId, secrets[0]!.secret)
    note('rotate', { detail: { ownerId } })
  }

  async function hint(relay: Relay): Promise<void> {
    const job = random.pick(jobs)
    relay.commands.hint(job.token)
    note('hint', { detail: { task: job.token.slice(0, 6) } })
  }

  const acts: [Fault | null, Act][] = [
    [null, register],
    [null, register],
    ['reregister', reregister],
    ['patch', patch],
    ['pause', patch],
    ['cancel', cancel],
    ['test', test],
    ['redeliver', redeliver],
    ['redeliverMany', redeliverMany],
    ['endpoints', endpoint],
    ['endpoints', endpoint],
    ['rotate', rotate],
    ['hint', hint],
  ]
  const allowed = acts.filter(([fault]) => fault === null || faults.has(fault)).map(([, act]) => act)

  /** Everything that was held is let go. */
  async function letGo(relay: Relay): Promise<void> {
    for (const { id: ownerId } of relay.owners) {
      const endpoints = relay.store.listEndpoints(ownerId, { limit: 200, cursor: null }, world.clock.now())
      for (const { id, origin, ...held } of endpoints.data) {
        // A PATCH wakes whatever waits there: what nothing holds must get by without.
        if (!held.paused && held.maxConcurrency === null && held.maxPerSecond === null) continue
        const change = { paused: false, maxConcurrency: null, maxPerSecond: null }
        await relay.commands.updateEndpoint(ownerId, id, change)
        note('endpoint', { endpoint: id, detail: { origin, ownerId, ...change } })
      }
      const paused = relay.store.listSubscriptions(ownerId, { limit: 200, cursor: null, state: 'paused' })
      for (const { id } of paused.data) {
        const one = known.get(rowOf(id))
        if (one !== undefined) one.paused = false
        await relay.commands.updateSubscription(ownerId, id, { state: 'active' })
        note('patch', { subscription: id, detail: { state: 'active' } })
      }
    }
  }

  return {
    letGo,
    register,
    act: (relay: Relay): Promise<void> => random.pick(allowed)(relay),
    promised(subscriptionRow: number): Promised | null {
      const one = known.get(subscriptionRow)
      return one === undefined || !one.certain ? null : { ...one }
    },
    secretOf(subscriptionRow: number): string | null {
      const one = known.get(subscriptionRow)
      if (one === undefined || !one.certain) return null
      return one.secret ?? newestSecret.get(one.ownerId) ?? null
    },
  }
}

export function rowOf(subscriptionId: string): number {
  return decodeId('sub', subscriptionId)?.row ?? -1
}
