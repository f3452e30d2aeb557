import { afterEach, beforeEach, expect, test } from 'vitest'
import { createReceiver, type ReceivedWebhook, type Receiver } from '../../src/cli/receiver.ts'
import { createLoopback } from '../support/loopback.ts'
import { postSigned, sendSigned } from './signed.ts'

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

function send(body: string, { id = 'msg_1', by = secret, signed = body } = {}): Promise<number> {
  return postSigned(receiver.url, { body, secret: by, signed, id })
}

test('a signed webhook is verified and answered with 204', async () => {
  expect(await send(JSON.stringify(event))).toBe(204)
  expect(received).toEqual([{ id: 'msg_1', verified: true, repeat: false, event, answer: 204 }])
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

test.each([
  null,
  { ...event, type: 7 },
  { ...event, data: { ...event.data, metadata: { job: 7 } } },
  { ...event, data: { ...event.data, percent: '42' } },
  { ...event, data: { ...event.data, error: { code: 1, description: {} } } },
])('signed JSON that is no event is verified without one: %j', async (odd) => {
  expect(await send(JSON.stringify(odd))).toBe(204)
  expect(received[0]).toMatchObject({ verified: true, event: null })
})

test('other methods and bodies over 1 MiB are refused', async () => {
  expect((await fetch(receiver.url)).status).toBe(405)
  expect(await send('x'.repeat(1024 * 1024 + 1))).toBe(413)
  expect(received).toEqual([])
})

test('chosen statuses are the answers in turn, and the last one stays; a forgery takes none', async () => {
  await receiver.close()
  receiver = await createReceiver({
    secrets: [secret],
    statuses: [500, 429, 204],
    onWebhook: (one) => received.push(one),
  })
  const answers = [await send('{}'), await send('{}', { by: older }), await send('{}'), await send('{}')]
  expect([...answers, await send('{}')]).toEqual([500, 401, 429, 204, 204])
  expect(received.map(({ answer }) => answer)).toEqual([500, 401, 429, 204, 204])
})

test('what is passed on verifies behind too, and its answer is the answer', async () => {
  const behind: ReceivedWebhook[] = []
  const app = await createReceiver({
    secrets: [secret],
    statuses: [410],
    onWebhook: (one) => behind.push(one),
  })
  await receiver.close()
  receiver = await createReceiver({ secrets: [secret], forwardTo: app.url, onWebhook: () => {} })
  expect(await send(JSON.stringify(event))).toBe(410)
  expect(await send('{}', { by: older })).toBe(401)
  expect(behind).toEqual([{ id: 'msg_1', verified: true, repeat: false, event, answer: 410 }])
  await app.close()
  expect(await send(JSON.stringify(event))).toBe(502)
})

test('an app that needs time is heard: Retry-After of where it is passed on comes back', async () => {
  const loopback = createLoopback()
  const app = await loopback.http((_request, response) =>
    response.writeHead(503, { 'retry-after': '120' }).end(),
  )
  await receiver.close()
  const forwardTo = `http://127.0.0.1:${app.port}`
  receiver = await createReceiver({ secrets: [secret], forwardTo, onWebhook: () => {} })
  const { status, headers } = await sendSigned(receiver.url, { body: '{}', secret })
  expect([status, headers.get('retry-after')]).toEqual([503, '120'])
  await loopback.closeAll()
})

test('the app behind learns what it gets, and is followed nowhere', async () => {
  const loopback = createLoopback()
  const asked: unknown[] = []
  const app = await loopback.http(({ url, headers }, response) => {
    asked.push([url, headers['content-type']])
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  await receiver.close()
  const forwardTo = `http://127.0.0.1:${app.port}/hooks`
  receiver = await createReceiver({ secrets: [secret], forwardTo, onWebhook: () => {} })
  expect(await send('{}')).toBe(302)
  expect(asked).toEqual([['/hooks', 'application/json']])
  await loopback.closeAll()
})

test('closing waits for no app behind, and shows no answer that nobody got', async () => {
  const loopback = createLoopback()
  const [asked, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const app = await loopback.http((_request, response) => {
    response.on('close', left.resolve)
    asked.resolve()
  })
  await receiver.close()
  const forwardTo = `http://127.0.0.1:${app.port}`
  receiver = await createReceiver({
    secrets: [secret],
    forwardTo,
    onWebhook: (one) => received.push(one),
  })
  const answer = sendSigned(receiver.url, { body: '{}', secret }).catch(() => 'cut off')
  await asked.promise
  await receiver.close()
  expect(await answer).toBe('cut off')
  await left.promise
  await loopback.closeAll()
  expect(received).toEqual([])
})
