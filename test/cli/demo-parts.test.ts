/** The demo's score and its lines, without a network. */
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createDisplay } from '../../src/cli/demo-display.ts'
import { createTally } from '../../src/cli/demo-tally.ts'
import type { ReceivedWebhook, WebhookEvent } from '../../src/cli/receiver.ts'

function webhook(job: string, type: string, data: Partial<WebhookEvent['data']> = {}): ReceivedWebhook {
  const status = type.slice('task.'.length)
  const task_token = 'a'.repeat(32)
  const event = {
    type,
    data: {
      subscription_id: `sub_${job}`,
      task_token,
      seq: 3,
      status,
      percent: 42.57,
      metadata: { job },
      error: null,
      ...data,
    },
  }
  return { id: 'msg_1', verified: true, repeat: false, event, answer: 204 }
}

const forged: ReceivedWebhook = { id: 'msg_2', verified: false, repeat: false, event: null, answer: 401 }

const expected = new Map([
  ['one', 'task.completed'],
  ['two', 'task.failed'],
])

test('all went well when every job ended as expected and nothing was refused', async () => {
  const tally = createTally(expected)
  tally.add(webhook('one', 'task.encoding'))
  tally.add(webhook('one', 'task.completed', { seq: 4 }))
  expect(tally.summary().ok).toBe(false)
  tally.add(webhook('two', 'task.failed'))
  await tally.ended
  expect(tally.summary()).toMatchObject({ verified: 3, refused: 0, ok: true })
})

test('one webhook that does not verify, or another end, spoils it', () => {
  const spoilt = createTally(expected)
  const otherEnd = createTally(expected)
  for (const tally of [spoilt, otherEnd]) tally.add(webhook('one', 'task.completed'))
  spoilt.add(webhook('two', 'task.failed'))
  spoilt.add(forged)
  otherEnd.add(webhook('two', 'task.lost'))
  expect(spoilt.summary()).toMatchObject({ refused: 1, ok: false })
  expect(otherEnd.summary().ok).toBe(false)
})

test('jobs that are not the demo’s own do not end it', () => {
  const tally = createTally(new Map([['one', 'task.completed']]))
  tally.add(webhook('mine', 'task.completed'))
  expect(tally.summary()).toMatchObject({ verified: 1, ok: false })
})

test('without a terminal there is one plain line per webhook', () => {
  const stream = new PassThrough()
  const display = createDisplay(stream as unknown as NodeJS.WriteStream, ['one', 'another'])
  display.webhook(webhook('one', 'task.progress'))
  display.webhook(webhook('two', 'task.failed', { error: { code: 1, description: 'no audio' } }))
  display.webhook({ ...webhook('one', 'task.queued', { percent: null }), repeat: true })
  // Of a test of an app, say, that left it out.
  display.webhook(webhook('one', 'task.queued', { percent: undefined as unknown as null }))
  display.webhook(forged)
  display.endBars()
  const lines = String(stream.read()).trimEnd().split('\n')
  expect(lines.map((line) => line.slice(10).replaceAll(/ +/g, ' '))).toEqual([
    'one task.progress 42.5% seq 3 ✔ verified',
    'two task.failed 42.5% seq 3 ✔ verified no audio',
    'one task.queued – seq 3 ✔ verified (a repeat)',
    'one task.queued – seq 3 ✔ verified',
    '✘ a webhook whose signature does not fit',
  ])
})

test('a seq that does not rise spoils it, a repeat or another subscription’s does not', () => {
  const tally = createTally(new Map([['one', 'task.completed']]))
  tally.add(webhook('one', 'task.encoding', { seq: 3 }))
  tally.add({ ...webhook('one', 'task.encoding', { seq: 3 }), repeat: true })
  tally.add(webhook('two', 'task.encoding', { seq: 1 }))
  tally.add(webhook('one', 'task.completed', { seq: 4 }))
  expect(tally.summary()).toMatchObject({ disordered: 0, ok: true })
  for (const seq of [4, 2]) tally.add(webhook('one', 'task.saving', { seq }))
  expect(tally.summary()).toMatchObject({ disordered: 2, ok: false })
})

test('control characters from elsewhere never reach the terminal', () => {
  const stream = new PassThrough()
  const display = createDisplay(stream as unknown as NodeJS.WriteStream, ['one'])
  display.webhook(
    webhook('o\u001b[2Jne', 'task.failed', { error: { code: 1, description: 'a\r\nb\u202ec' } }),
  )
  expect(String(stream.read())).not.toMatch(/[\p{Cc}\p{Cf}](?!$)/u)
})
