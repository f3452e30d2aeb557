/** Attempts on their way to another invocation and back: each has an outcome, whatever becomes of that invocation. */
import { beforeEach, expect, it, vi } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import type { Sender, Timers } from '../../src/ports.ts'
import { createBatchingSender, type Invocation } from '../../src/worker/deliverer.ts'

/** What waits, by how long. */
let waiting: Map<number, () => void>
let failures: unknown[]
/** The invocation's answer, line by line. */
let answer: WritableStreamDefaultWriter<Uint8Array>
let invocation: Invocation
let withdrawn: number[]
let isDisposed: boolean

beforeEach(() => {
  waiting = new Map()
  failures = []
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  answer = writable.getWriter()
  withdrawn = []
  isDisposed = false
  invocation = {
    lines: readable,
    withdraw: (index) => withdrawn.push(index),
    [Symbol.dispose]() {
      isDisposed = true
    },
  }
})

const timers: Timers = {
  after(ms, work) {
    waiting.set(ms, work)
    return () => waiting.delete(ms)
  },
}

const senderOver = (deliver: () => Promise<Invocation>) =>
  createBatchingSender({ deliver, timers, onFailed: (error) => failures.push(error) })

/** @returns the outcomes of two attempts that go together, of the subscriptions 1 and 2 */
function sendTwo(sender: Sender): Promise<Outcome | null>[] {
  const request = { ownerId: 1, url: 'https://app.example.com/', headers: {}, body: '{}', timeoutMs: 15_000 }
  return [1, 2].map((subscriptionId) => sender.send({ ...request, subscriptionId }))
}

const accepted: Outcome = { kind: 'accepted', statusCode: 204, responseBody: null }
const timedOut: Outcome = { kind: 'unreachable', errorCode: 'timeout' }
const write = (index: number, outcome: Outcome | null = accepted) =>
  answer.write(new TextEncoder().encode(`${JSON.stringify({ index, outcome })}\n`))

/** The only deadline has come. */
async function deadline(): Promise<void> {
  await Promise.resolve()
  const [[ms, work]] = [...waiting] as [[number, () => void]]
  expect(ms).toBeGreaterThan(15_000)
  work()
}

it('come back as they end, and nothing is left behind', async () => {
  const outcomes = sendTwo(senderOver(async () => invocation))
  await write(1)
  expect(await outcomes[1]).toEqual(accepted)
  await write(0)
  await answer.close()
  expect(await outcomes[0]).toEqual(accepted)
  await vi.waitFor(() => expect(isDisposed).toBe(true))
  expect([...waiting]).toEqual([])
  expect(failures).toEqual([])
})

it('are withdrawn by their subscription, also in the turn they were asked for: that is over when they have ended', async () => {
  const sender = senderOver(async () => invocation)
  const outcomes = sendTwo(sender)
  let isOver = false
  const over = sender.withdraw(2).then(() => {
    isOver = true
  })
  await vi.waitFor(() => expect(withdrawn).toEqual([1]))
  await write(0)
  expect(await outcomes[0]).toEqual(accepted)
  expect(isOver).toBe(false)
  await write(1, null)
  expect(await outcomes[1]).toBeNull()
  await over
  // Nothing is under way: there is nothing to wait for.
  await sender.withdraw(2)
  expect(withdrawn).toEqual([1])
})

it('are withdrawn when the invocation is lost, which is nobody else’s failure', async () => {
  const unhandled = vi.fn()
  addEventListener('unhandledrejection', unhandled)
  const sender = senderOver(() => Promise.reject(new Error('lost')))
  const outcomes = sendTwo(sender)
  await sender.withdraw(1)
  expect(await outcomes[0]).toEqual({ kind: 'unreachable', errorCode: 'network_error' })
  // It is told once the turn is over.
  await new Promise((resolve) => setTimeout(resolve))
  removeEventListener('unhandledrejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})

it('time out when the invocation never answers', async () => {
  const outcomes = sendTwo(senderOver(() => new Promise(() => {})))
  await deadline()
  expect(await Promise.all(outcomes)).toEqual([timedOut, timedOut])
  expect(failures).toHaveLength(1)
})

it('of an invocation that answers too late are read no more', async () => {
  let begin = (_invocation: Invocation) => {}
  const late = new Promise<Invocation>((resolve) => {
    begin = resolve
  })
  const outcomes = sendTwo(senderOver(() => late))
  await deadline()
  expect(await Promise.all(outcomes)).toEqual([timedOut, timedOut])
  begin(invocation)
  await expect(answer.closed).rejects.toThrow()
})

it('time out when the invocation stops in the middle, except those that have ended', async () => {
  const outcomes = sendTwo(senderOver(async () => invocation))
  await write(0)
  expect(await outcomes[0]).toEqual(accepted)
  await deadline()
  expect(await outcomes[1]).toEqual(timedOut)
  // Nobody reads on: the invocation is let go.
  await expect(answer.closed).rejects.toThrow()
  expect(failures).toHaveLength(1)
})

it('are made again when the invocation is lost', async () => {
  const outcomes = sendTwo(senderOver(() => Promise.reject(new Error('lost'))))
  const lost = { kind: 'unreachable', errorCode: 'network_error' }
  expect(await Promise.all(outcomes)).toEqual([lost, lost])
  expect([...waiting]).toEqual([])
})
