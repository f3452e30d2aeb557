/** Attempts on their way to another invocation and back: each has an outcome, whatever becomes of that invocation. */
import { beforeEach, expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import type { Timers } from '../../src/ports.ts'
import { createBatchingSender } from '../../src/worker/deliverer.ts'

/** What waits, by how long. */
let waiting: Map<number, () => void>
let failures: unknown[]
/** The invocation's answer, line by line. */
let answer: WritableStreamDefaultWriter<Uint8Array>
let stream: ReadableStream<Uint8Array>

beforeEach(() => {
  waiting = new Map()
  failures = []
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  answer = writable.getWriter()
  stream = readable
})

const timers: Timers = {
  after(ms, work) {
    waiting.set(ms, work)
    return () => waiting.delete(ms)
  },
}

/** @returns the outcomes of two attempts that go together */
function sendTwo(deliver: () => Promise<ReadableStream<Uint8Array>>): Promise<Outcome>[] {
  const sender = createBatchingSender({ deliver, timers, onFailed: (error) => failures.push(error) })
  const request = {
    ownerId: 1,
    url: 'https://app.example.com/',
    headers: {},
    body: '{}',
    timeoutMs: 15_000,
  }
  return [sender.send(request), sender.send(request)]
}

const accepted: Outcome = { kind: 'accepted', statusCode: 204, responseBody: null }
const timedOut: Outcome = { kind: 'unreachable', errorCode: 'timeout' }
const write = (index: number) =>
  answer.write(new TextEncoder().encode(`${JSON.stringify({ index, outcome: accepted })}\n`))

/** The only deadline has come. */
async function deadline(): Promise<void> {
  await Promise.resolve()
  const [[ms, work]] = [...waiting] as [[number, () => void]]
  expect(ms).toBeGreaterThan(15_000)
  work()
}

it('come back as they end, and no deadline is left behind', async () => {
  const outcomes = sendTwo(async () => stream)
  await write(1)
  expect(await outcomes[1]).toEqual(accepted)
  await write(0)
  await answer.close()
  expect(await outcomes[0]).toEqual(accepted)
  expect(failures).toEqual([])
})

it('time out when the invocation never answers', async () => {
  const outcomes = sendTwo(() => new Promise(() => {}))
  await deadline()
  expect(await Promise.all(outcomes)).toEqual([timedOut, timedOut])
  expect(failures).toHaveLength(1)
})

it('of an invocation that answers too late are read no more', async () => {
  let begin = (_stream: ReadableStream<Uint8Array>) => {}
  const outcomes = sendTwo(
    () =>
      new Promise((resolve) => {
        begin = resolve
      }),
  )
  await deadline()
  expect(await Promise.all(outcomes)).toEqual([timedOut, timedOut])
  begin(stream)
  await expect(answer.closed).rejects.toThrow()
})

it('time out when the invocation stops in the middle, except those that have ended', async () => {
  const outcomes = sendTwo(async () => stream)
  await write(0)
  expect(await outcomes[0]).toEqual(accepted)
  await deadline()
  expect(await outcomes[1]).toEqual(timedOut)
  // Nobody reads on: the invocation is let go.
  await expect(answer.closed).rejects.toThrow()
  expect(failures).toHaveLength(1)
})

it('are made again when the invocation is lost', async () => {
  const outcomes = sendTwo(() => Promise.reject(new Error('lost')))
  const lost = { kind: 'unreachable', errorCode: 'network_error' }
  expect(await Promise.all(outcomes)).toEqual([lost, lost])
  expect([...waiting]).toEqual([])
})
