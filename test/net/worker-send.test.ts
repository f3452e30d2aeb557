/** What becomes of an answer where attempts go by `fetch`: the same as on Node (send.test.ts). */
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
  const request = { ownerId: 1, url: 'https://app.example.com/hook', headers: {}, body: '{}', timeoutMs }
  return { fetch, outcome: sender.send(request) }
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
