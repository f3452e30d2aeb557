/**
 * Whatever verbs come in whatever order, the queues stay sound (DESIGN §3, CONTRACT §4): one head to each
 * subscription that waits, the lowest by rank and age, and nothing ends without a state, a reason and a time.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseStatusEntry } from '../../../src/core/snapshot.ts'
import type { PollAnswer } from '../../../src/store/poll-answer.ts'
import {
  deliveries,
  endpoints,
  heldAt,
  subscriptions,
  tasks,
  transitions,
} from '../../../src/store/schema.ts'
import {
  accepted,
  type DeliveryRow,
  inputOf,
  limits,
  noQuota,
  type OnEmptyDatabase,
  openWorld,
  rejected,
  schedules,
  start,
  type World,
} from './fixture.ts'

const tokens = ['a', 'b'].map((letter) => letter.repeat(32))
const urls = ['https://one.example.com/', 'https://one.example.com/b', 'https://two.example.com/']
const outcomes = [
  accepted,
  rejected(500),
  rejected(404),
  rejected(410),
  { kind: 'unreachable', errorCode: 'timeout' } as const,
]
/** Short, so that they run out. */
const brief = { terminalMs: [1_000], interimMs: [] }
const statuses = ['queued', 'encoding', 'saving', 'weird', 'completed']

const pick = fc.nat(1_000)
const verb = fc.oneof(
  fc.record({ verb: fc.constant('subscribe'), token: pick, url: pick, step: fc.constantFrom(1, 10, 50) }),
  fc.record({ verb: fc.constant('poll'), token: pick, status: pick, percent: fc.nat(100) }),
  fc.record({ verb: fc.constant('progress'), token: pick, percent: fc.nat(100) }),
  fc.record({ verb: fc.constantFrom('unknown', 'failed'), token: pick }),
  { weight: 2, arbitrary: fc.record({ verb: fc.constant('take'), count: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('settle'), which: pick, outcome: pick }) },
  fc.record({ verb: fc.constantFrom('pause', 'resume', 'cancel', 'test'), which: pick }),
  fc.record({ verb: fc.constant('move'), which: pick, url: pick }),
  fc.record({ verb: fc.constant('redeliver'), which: pick }),
  fc.record({ verb: fc.constant('exhaust'), endpoint: pick, agoMs: fc.nat(600_000) }),
  fc.record({ verb: fc.constantFrom('redeliverAll', 'recover', 'crash', 'forget') }),
  fc.record({ verb: fc.constant('wait'), ms: fc.nat(400_000) }),
)
type Verb =
  typeof verb extends fc.Arbitrary<infer T>
    ? T & Partial<Record<'which' | 'token' | 'url' | 'endpoint', number>>
    : never

interface Run extends World {
  now: number
  inFlight: Map<number, DeliveryRow>
}

function at<T>(all: readonly T[], index = 0): T | undefined {
  return all[index % all.length]
}

const page = { limit: 200, cursor: null }

function step(run: Run, todo: Verb): void {
  const { store, acme, now } = run
  const token = at(tokens, todo.token)!
  const callbackUrl = at(urls, todo.url)!
  const id = () => at(store.listSubscriptions(acme, page).data, todo.which)?.id ?? 'sub_none'
  switch (todo.verb) {
    case 'subscribe': {
      const { step: percentStep } = todo as { step: number }
      const input = { ...inputOf(acme, token), callbackUrl, percentStep, expiresInMs: 900_000 }
      store.subscribe([input], now, noQuota)
      return
    }
    case 'pause':
    case 'resume':
      store.updateSubscription(acme, id(), { state: todo.verb === 'pause' ? 'paused' : 'active' }, now)
      return
    case 'move':
      store.updateSubscription(acme, id(), { callbackUrl }, now)
      return
    case 'cancel':
      store.cancelSubscription(acme, id(), now)
      return
    case 'test':
      store.sendTest(acme, id(), now)
      return
    case 'wait':
      run.now += (todo as { ms: number }).ms
      return
    case 'redeliver':
      store.redeliver(acme, at(store.listDeliveries(acme, page).data, todo.which)?.id ?? '', now)
      return
    case 'redeliverAll':
      store.redeliverBatch(acme, { dryRun: false }, 0, now)
      return
    case 'forget':
      store.forgetFinished(0, now - 600_000)
      return
    default:
      stepOfEngine(run, todo, token)
  }
}

/** What the relay does by itself. */
function stepOfEngine(run: Run, todo: Verb, token: string): void {
  const { store, now, inFlight } = run
  const endpoints = [...new Set(run.rows().map(({ endpointId }) => endpointId))]
  switch (todo.verb) {
    case 'take':
      for (const endpointId of endpoints) take(run, endpointId, (todo as { count: number }).count)
      return
    case 'settle': {
      const delivery = at([...inFlight.values()], todo.which)
      if (delivery === undefined) return
      inFlight.delete(delivery.id)
      run.settle(delivery, at(outcomes, (todo as { outcome: number }).outcome)!, now, brief)
      return
    }
    case 'recover': {
      const health = endpoints.flatMap((endpointId) => {
        const state = store.endpointState(endpointId)
        return state === null ? [] : [{ id: endpointId, health: state.health }]
      })
      const recovered = health.map(({ id }) => ({ id, failedSince: [] }))
      store.settleDeliveries([], { health, recovered }, schedules, now)
      return
    }
    case 'exhaust': {
      const endpointId = at(endpoints, todo.endpoint)
      // The engine ends only what is not being sent.
      if (endpointId === undefined || inFlight.size > 0) return
      store.exhaustKeptWaiting(endpointId, now - (todo as { agoMs: number }).agoMs, now, 3)
      return
    }
    case 'crash':
      inFlight.clear()
      store.supersedeStale(now)
      expect(staleProgress(run.rows())).toEqual([])
      return
    default:
      store.recordPoll([{ token, answer: answerOf(todo), polledAt: now }], limits, now, (deliveryId) =>
        inFlight.has(deliveryId),
      )
  }
}

/** Pending progress of which its subscription has something newer to tell: it was under way, and nothing is after a crash. */
function staleProgress(rows: readonly DeliveryRow[]): DeliveryRow[] {
  const isNewer = (one: DeliveryRow) => (other: DeliveryRow) =>
    other.subscriptionId === one.subscriptionId && other.id > one.id && other.rank > 0
  return rows.filter(
    (one) =>
      one.type === 'task.progress' && one.rank === 2 && one.state === 'pending' && rows.some(isNewer(one)),
  )
}

/** Like the engine: one at a time of each subscription. */
function take(run: Run, endpointId: number, count: number): void {
  const busy = new Set([...run.inFlight.values()].map(({ subscriptionId }) => subscriptionId))
  const rows = new Map(run.rows().map((row) => [row.id, row]))
  for (const { id, subscriptionId } of run.store.dueEntries(endpointId, run.now, count)) {
    if (busy.has(subscriptionId)) continue
    busy.add(subscriptionId)
    run.inFlight.set(id, rows.get(id)!)
  }
}

function answerOf(todo: Verb): PollAnswer {
  if (todo.verb === 'failed') return { kind: 'failed' }
  if (todo.verb === 'unknown') return { kind: 'unknown', askAlone: false }
  const { status, percent } = todo as { status?: number; percent: number }
  const entry = status === undefined ? { percent } : { status: at(statuses, status), percent }
  return { kind: 'known', observation: parseStatusEntry(entry), statusUrl: null }
}

function checkQueues(run: Run): void {
  const rows = run.rows()
  const paused = new Map(
    run.db
      .select({ id: subscriptions.id, paused: subscriptions.paused })
      .from(subscriptions)
      .all()
      .map((row) => [row.id, row.paused === 1]),
  )
  const waiting = Map.groupBy(
    rows.filter(({ state }) => state === 'pending'),
    ({ subscriptionId }) => subscriptionId,
  )
  for (const [subscriptionId, queue] of waiting) {
    const [head, ...rest] = queue.toSorted((a, b) => a.rank - b.rank || a.id - b.id) as [
      DeliveryRow,
      ...DeliveryRow[],
    ]
    const held = paused.get(subscriptionId)
    const untried = head.rank === 2 && head.attempts === 0
    if (held) expect(head.dueAt).toBe(heldAt)
    else if (!untried) expect(head.dueAt).toBe(head.nextAttemptAt)
    else expect(head.dueAt).toSatisfy((at) => at >= head.nextAttemptAt! && at <= run.now)
    const due = rest.map(({ dueAt }) => dueAt)
    if (held || !untried) expect(due).toEqual(due.map(() => null))
    else {
      expect(due).not.toContain(null)
      const inOrder = [head.dueAt, ...due].toSorted((a, b) => Number(a) - Number(b))
      expect([head.dueAt, ...due]).toEqual(inOrder)
    }
    expect(
      queue.every(({ finishedAt, nextAttemptAt }) => finishedAt === null && nextAttemptAt !== null),
    ).toBe(true)
    expect(new Set(queue.map(({ endpointId }) => endpointId)).size).toBe(1)
  }
}

function checkEnds(run: Run): void {
  for (const row of run.rows()) {
    expect(JSON.parse(row.attemptLog)).toHaveLength(Math.min(row.attempts, 20))
    if (row.state === 'pending') continue
    expect(['delivered', 'superseded', 'exhausted', 'cancelled']).toContain(row.state)
    expect(row).toMatchObject({ dueAt: null, nextAttemptAt: null, finishedAt: expect.any(Number) })
    if (row.state === 'delivered')
      expect(row).toMatchObject({ stateReason: null, acceptedAt: expect.any(Number) })
    else expect(row.stateReason).toEqual(expect.any(String))
    if (row.state === 'superseded') expect(row.type).toBe('task.progress')
  }
}

/** Counted from the index and from what queues hold back, it is what a plain count finds. */
function checkBacklogs({ store, db, acme, now, rows }: Run): void {
  const pending = rows().filter(({ state }) => state === 'pending')
  const numbers = db.select({ id: endpoints.id, publicId: endpoints.publicId }).from(endpoints).all()
  for (const { id, publicId } of numbers) {
    const waiting = pending.filter(({ endpointId }) => endpointId === id)
    const oldestWaitingAt = waiting[0]?.createdAt ?? null
    expect(store.endpoint(acme, publicId, now)).toMatchObject({ backlog: waiting.length, oldestWaitingAt })
  }
}

/** Nothing of a cancelled subscription waits; webhook ids are its own; a task's transitions have no gap. */
function checkTasks(run: Run): void {
  const cancelled = run.db
    .select()
    .from(subscriptions)
    .all()
    .filter(({ endState }) => endState === 'cancelled')
  for (const { id } of cancelled) {
    expect(run.rows().filter((row) => row.subscriptionId === id && row.state === 'pending')).toEqual([])
  }
  const ids = run.rows().map(({ webhookId }) => webhookId)
  expect(new Set(ids).size).toBe(ids.length)
  for (const token of tokens) {
    const seqs = run.store.transitionsAfter(token, 0, 1_000).map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((_, index) => index + 1))
  }
}

/** Hundreds of sequences take a quarter of a minute, and as much more as the machine is busy: hence the time-out. */
export function queueProperties(on: OnEmptyDatabase, numRuns: number): void {
  it(
    'any sequence of verbs leaves one head to each queue, and an end to each delivery',
    { timeout: 120_000 },
    () =>
      on((empty) => {
        const world = openWorld(empty)
        const sequence = fc.array(verb, { minLength: 1, maxLength: 60, size: 'max' })
        fc.assert(
          fc.property(sequence, (verbs) => {
            for (const table of [deliveries, subscriptions, transitions, tasks]) world.db.delete(table).run()
            const run: Run = { ...world, now: start, inFlight: new Map() }
            for (const todo of verbs) {
              step(run, todo as Verb)
              checkQueues(run)
            }
            checkBacklogs(run)
            checkEnds(run)
            checkTasks(run)
          }),
          { numRuns },
        )
      }),
  )
}
