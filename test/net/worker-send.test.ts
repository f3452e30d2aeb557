/** What becomes of an answer where attempts go by `fetch`: the same as on Node (send-answers.test.ts). */
import { expect, it, vi } from 'vitest'
import { createFetchSender } from '../../src/net/worker-send.ts'

/** @param parts of the body, then its end unless the last of them is one to break by, or to hang */
function answer(status: number, parts: readonly (string | Uint8Array | Error | 'hang')[], headers = {}) {
  const encoder = new TextEncoder()
  const left = [...parts]
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const part = left.shift()
      if (part === undefined) controller.close()
      else if (part instanceof Error) controller.error(part)
      else if (part === 'hang') await new Promise(() => {})
      else controller.enqueue(typeof part === 'string' ? encoder.encode(part) : part)
    },
  })
  return new Response(body, { status, headers })
}

function send(response: Response, timeoutMs = 15_000) {
  const fetch = vi.fn(async () => response)
  const sender = createFetchSender({ policy: { insecure: false, privateCidrs: [] }, fetch })
  const url = 'https://app.example.com/hook'
  const request = { ownerId: 1, subscriptionId: 1, url, headers: {}, body: '{}', timeoutMs }
  const withdrawal = new AbortController()
  return { fetch, outcome: sender.send(request, withdrawal.signal), withdraw: () => withdrawal.abort() }
}

const lost = new Error('Network connection lost.')

it('an answer is read as it comes: what cannot be unpacked is no failure', async () => {
  const { fetch, outcome } = send(answer(200, ['no gzip'], { 'content-encoding': 'gzip' }))
  expect(await outcome).toEqual({ kind: 'accepted', statusCode: 200, responseBody: 'no gzip' })
  expect(fetch).toHaveBeenCalledWith(
    'https://app.example.com/hook',
    expect.objectContaining({
      encodeResponseBody: 'manual',
      redirect: 'manual',
      headers: { 'accept-encoding': 'identity' },
    }),
  )
})

it('an acceptance counts when it is whole', async () => {
  const { outcome } = send(answer(200, ['o', lost]))
  expect(await outcome).toEqual({ kind: 'unreachable', errorCode: 'connection_reset' })
})

it.for([
  ['that has no body', [], null],
  [
    'of which more comes than is kept',
    ['x'.repeat(900), 'y'.repeat(900), 'z'],
    'x'.repeat(900) + 'y'.repeat(100),
  ],
  ['with a character that the limit cuts', ['x', 'ü'.repeat(600)], `x${'ü'.repeat(499)}`],
  ['that ends in half a character', [new Uint8Array([0x61, 0xc3])], 'a\ufffd'],
] as const)('an acceptance %s', async ([, parts, responseBody]) => {
  const { outcome } = send(answer(200, parts))
  expect(await outcome).toEqual({ kind: 'accepted', statusCode: 200, responseBody })
})

it.for([
  ['has none', [], null],
  ['breaks', ['gone, beca', lost], 'gone, beca'],
  ['breaks at once', [lost], null],
  ['is long', ['x'.repeat(900), 'y'.repeat(900)], 'x'.repeat(900) + 'y'.repeat(100)],
  ['has a character that the limit cuts', ['x', 'ü'.repeat(600)], `x${'ü'.repeat(499)}`],
  ['ends in half a character', [new Uint8Array([0x61, 0xc3])], 'a\ufffd'],
] as const)('a rejection that %s', async ([, parts, responseBody]) => {
  const { outcome } = send(answer(410, parts))
  expect(await outcome).toEqual({ kind: 'rejected', statusCode: 410, retryAfter: null, responseBody })
})

it('a rejection whose body hangs keeps what came of it', async () => {
  vi.useFakeTimers()
  try {
    const { outcome } = send(answer(503, ['busy', 'hang']), 1_000)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(await outcome).toMatchObject({ kind: 'rejected', statusCode: 503, responseBody: 'busy' })
  } finally {
    vi.useRealTimers()
  }
})

it.for([
  ['and is no attempt before it was decided', 200, null],
  ['but what was decided stays', 410, { kind: 'rejected', statusCode: 410, responseBody: 'so far' }],
] as const)('one that is withdrawn ends, %s', async ([, status, expected]) => {
  const { fetch, outcome, withdraw } = send(answer(status, ['so far', 'hang']))
  await vi.waitFor(() => expect(fetch).toHaveBeenCalled())
  // Its headers are in, and the first of its body.
  await new Promise((resolve) => setImmediate(resolve))
  withdraw()
  if (expected === null) expect(await outcome).toBeNull()
  else expect(await outcome).toMatchObject(expected)
})
