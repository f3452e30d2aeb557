import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createReceiver, type ReceivedWebhook, type Receiver } from '../../src/cli/receiver.ts'

const secret = `whsec_${Buffer.alloc(32, 1).toString('base64')}`
const older = `whsec_${Buffer.alloc(32, 2).toString('base64')}`

let received: ReceivedWebhook[]
let receiver: Receiver
beforeEach(async () => {
  received = []
  receiver = await createReceiver({ secrets: [secret, older], onWebhook: (one) => received.push(one) })
})
afterEach(() => receiver.close())

const event = { type: 'task.queued', data: { task_token: 'a'.repeat(32), seq: 2, metadata: {} } }

/** As a relay would send it, signed now. */
async function send(body: string, { id = 'msg_1', by = secret, signed = body } = {}): Promise<number> {
  const at = new Date()
  const headers = {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(by).sign(id, at, signed),
  }
  return (await fetch(receiver.url, { method: 'POST', headers, body })).status
}

test('a signed webhook is verified and answered with 204', async () => {
  expect(await send(JSON.stringify(event))).toBe(204)
  expect(received).toEqual([{ id: 'msg_1', verified: true, repeat: false, event }])
})

test('any of the secrets may have signed', async () => {
  expect(await send(JSON.stringify(event), { by: older })).toBe(204)
})

test('a changed body, a foreign secret and a missing signature are answered with 401', async () => {
  const foreign = `whsec_${Buffer.alloc(32, 3).toString('base64')}`
  expect(await send(JSON.stringify(event), { signed: '{}' })).toBe(401)
  expect(await send(JSON.stringify(event), { by: foreign })).toBe(401)
  expect((await fetch(receiver.url, { method: 'POST', body: '{}' })).status).toBe(401)
  expect(received.map(({ verified, event: read }) => [verified, read])).toEqual(
    Array.from({ length: 3 }, () => [false, null]),
  )
})

test('the same id again is a repeat', async () => {
  await send(JSON.stringify(event))
  await send(JSON.stringify(event))
  await send(JSON.stringify(event), { id: 'msg_2' })
  expect(received.map(({ repeat }) => repeat)).toEqual([false, true, false])
})

test('signed JSON that is no event is verified without one', async () => {
  expect(await send('null')).toBe(204)
  expect(received[0]).toMatchObject({ verified: true, event: null })
})

test('other methods and bodies over 1 MiB are refused', async () => {
  expect((await fetch(receiver.url)).status).toBe(405)
  expect(await send('x'.repeat(1024 * 1024 + 1))).toBe(413)
  expect(received).toEqual([])
})
