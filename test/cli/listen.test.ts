import { expect, test } from 'vitest'
import { pollhook } from './run.ts'
import { postSigned } from './signed.ts'

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const other = `whsec_${Buffer.alloc(32, 2).toString('base64')}`
const body = JSON.stringify({
  type: 'task.queued',
  data: { subscription_id: 'sub_1', task_token: 'a'.repeat(32), seq: 2, percent: 0, metadata: { job: '7' } },
})

const urlOf = (err: string): string => /callback_url: (\S+)/.exec(err)?.[1] ?? ''

test('listen verifies with each secret, shows a line and answers as told', async () => {
  const answers: number[] = []
  const { code, out, err } = await pollhook(
    ['listen', '--port', '0', '--secret', secret, '--secret', other, '--status', '503,204'],
    {
      meanwhile: {
        at: 'Ctrl-C ends it.',
        async act(run) {
          for (const by of [secret, other]) {
            answers.push(await postSigned(urlOf(run.err), { body, secret: by, id: `msg_${by}` }))
          }
        },
      },
    },
  )
  expect(code).toBe(0)
  expect(answers).toEqual([503, 204])
  expect(out).toMatch(/7 +task\.queued +0\.0% {2}seq 2 +✔ verified {2}answered 503\n/)
  expect(out).toContain('answered 204')
  expect(err).not.toContain('secret:')
})

test('listen without a secret makes one, and --json prints one object per webhook', async () => {
  const { code, out } = await pollhook(['listen', '--port', '0', '--json'], {
    meanwhile: {
      at: 'Ctrl-C ends it.',
      act: (run) =>
        postSigned(urlOf(run.err), { body, secret: /secret: +(whsec_\S+)/.exec(run.err)?.[1] ?? '' }),
    },
  })
  expect(code).toBe(0)
  expect(JSON.parse(out)).toEqual({
    id: 'msg_1',
    verified: true,
    repeat: false,
    answer: 204,
    event: JSON.parse(body),
  })
})

test('listen answers 502 when nothing listens where it forwards', async () => {
  const answers: number[] = []
  const { code, out } = await pollhook(
    ['listen', '--port', '0', '--secret', secret, '--forward', 'http://127.0.0.1:1/hooks'],
    {
      meanwhile: {
        at: 'Ctrl-C ends it.',
        act: async (run) => answers.push(await postSigned(urlOf(run.err), { body, secret })),
      },
    },
  )
  expect({ code, answers }).toEqual({ code: 0, answers: [502] })
  expect(out).toContain('answered 502')
})

test.each([
  [['--secret', 'hunter2'], 'Give whsec_ and base64 of 24 to 64 bytes'],
  [['--status', '99'], 'Give statuses from 200 to 599'],
  [['--forward', 'http://user:hunter2@127.0.0.1'], 'give it without'],
  [['--forward', 'ftp://example.com'], 'Give a URL that begins with http://'],
  [['--status', '204', '--forward', 'http://127.0.0.1'], 'cannot be used with'],
])('listen %j is refused, and the error says what to do', async (args, advice) => {
  const { code, err } = await pollhook(['listen', ...args])
  expect(code).toBe(1)
  expect(err).toContain(advice)
  expect(err).not.toContain('hunter2')
})
