import { expect, test, vi } from 'vitest'
import type { Api } from '../../src/cli/api.ts'
import { followTask } from '../../src/cli/follow.ts'

const taskToken = 'a'.repeat(32)
const { signal } = new AbortController()

function message(seq: number, type: string): string {
  return `id: ${seq}\ndata: ${JSON.stringify({ type, data: { task_token: taskToken, seq } })}\n\n`
}

/** A stream that breaks after its text. */
function broken(text: string): Response {
  const chunks = [new TextEncoder().encode(text)]
  return new Response(
    new ReadableStream({
      pull(controller) {
        const chunk = chunks.shift()
        if (chunk === undefined) controller.error(new Error('connection reset'))
        else controller.enqueue(chunk)
      },
    }),
  )
}

/** Answers one after the other, and notes what was asked for. */
function scripted(answers: (Response | Error)[]): { api: Api; paths: string[] } {
  const paths: string[] = []
  const api: Api = {
    url: 'http://127.0.0.1:8080',
    call: () => Promise.reject(new Error('nothing to call')),
    async open(path) {
      paths.push(path)
      const answer = answers.shift() ?? new Error('the script is over')
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  return { api, paths }
}

const draining = (): Response | Error => Object.assign(new Error('draining'), { code: 'unavailable' })

async function follow(answers: (Response | Error)[]) {
  const { api, paths } = scripted(answers)
  // Each try takes as long as its pause.
  const now = () => paths.length * 2_000
  const seqs: (number | null)[] = []
  const onEvent = (event: { data: { seq: number | null } }) => seqs.push(event.data.seq)
  const end = await followTask(api, { taskToken, signal, retryMs: 0, now, onEvent }).catch(
    (error: Error) => error.message,
  )
  return { end, seqs, queries: paths.map((path) => path.split('/events')[1]) }
}

test('a broken stream goes on after the last seq that came', async () => {
  const answers = [
    broken(`: open\n\n${message(3, 'task.queued')}`),
    new Error('no answer'),
    new Response(`${message(4, 'task.progress')}${message(5, 'task.failed')}`),
  ]
  expect(await follow(answers)).toEqual({
    end: 'task.failed',
    seqs: [3, 4, 5],
    queries: ['', '?after=3', '?after=3'],
  })
})

test('a stream with nothing left to come ends without an end', async () => {
  const answers = [new Response(message(1, 'task.queued')), new Response(null, { status: 204 })]
  expect(await follow(answers)).toMatchObject({ end: null, seqs: [1] })
})

test('a refusal is not asked for again; a relay that stays away is, for a while', async () => {
  const refusal = Object.assign(new Error('no such task'), { code: 'not_found' })
  expect(await follow([refusal])).toMatchObject({ end: 'no such task', queries: [''] })
  const { end, queries } = await follow(Array.from({ length: 99 }, draining))
  expect(end).toBe('draining')
  expect(queries).toHaveLength(31)
})

test('a relay that is back within a minute is followed on: a start anew drains for ten seconds first', async () => {
  const answers = [broken(message(1, 'task.queued')), ...Array.from({ length: 27 }, draining)]
  answers.push(Object.assign(new Error('failed'), { code: 'internal' }))
  answers.push(new Response(message(2, 'task.completed')))
  expect(await follow(answers)).toMatchObject({ end: 'task.completed', seqs: [1, 2] })
})

test('streams that a proxy breaks while the task is quiet are no sign that the relay is gone', async () => {
  const quiet = Array.from({ length: 40 }, () => broken(': open\n\n'))
  const answers = [...quiet, new Response(message(1, 'task.completed'))]
  expect(await follow(answers)).toMatchObject({ end: 'task.completed', seqs: [1] })
})

test('a task that was lost is followed on: registered again it is polled anew', async () => {
  const answers = [new Response(`${message(3, 'task.lost')}${message(4, 'task.encoding')}`)]
  answers.push(new Response(message(5, 'task.completed')))
  expect(await follow(answers)).toMatchObject({ end: 'task.completed', seqs: [3, 4, 5] })
})

test('one that stays lost has ended once nothing is left to come', async () => {
  const answers = [broken(message(3, 'task.lost')), draining(), new Response(null, { status: 204 })]
  expect(await follow(answers)).toMatchObject({
    end: 'task.lost',
    seqs: [3],
    queries: ['', '?after=3', '?after=3'],
  })
})

test('a connection on which nothing comes is given up, and one with comments is not', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let send: (text: string) => void = () => {}
  const streams: AbortSignal[] = []
  const api: Api = {
    url: 'http://127.0.0.1:8080',
    call: () => Promise.reject(new Error('nothing to call')),
    async open(_path, signal) {
      streams.push(signal!)
      const encoder = new TextEncoder()
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        start(controller) {
          send = (text) => controller.enqueue(encoder.encode(text))
          signal!.addEventListener('abort', () => controller.error(signal!.reason))
        },
      })
      return new Response(body)
    },
  }
  const seqs: (number | null)[] = []
  const end = followTask(api, { taskToken, signal, retryMs: 0, onEvent: ({ data }) => seqs.push(data.seq) })
  try {
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(15_000)
      send(': heartbeat\n\n')
    }
    await vi.waitFor(() => expect(streams).toHaveLength(1))
    await vi.advanceTimersByTimeAsync(60_000)
    await vi.waitFor(() => expect(streams).toHaveLength(2))
    send(message(1, 'task.completed'))
    expect(await end).toBe('task.completed')
  } finally {
    vi.useRealTimers()
  }
})
