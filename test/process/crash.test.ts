/** `kill -9` at random moments: every 201 is honoured, every end arrives, order holds, repeats keep their id. */
import { randomBytes } from 'node:crypto'
import Sqlite from 'better-sqlite3'
import { expect, it } from 'vitest'
import { apiKey, openWorld, type RelayProcess, startRelay, type World } from '../support/relay-process.ts'

let world: World
let relay: RelayProcess

const steps = ['downloading', 'queued', 'encoding', 'encoding', 'saving', 'completed']
const statusOf = (_token: string, asked: number) => {
  const status = steps[Math.min(asked, steps.length) - 1] ?? 'completed'
  return { status, percent: status === 'encoding' ? asked * 7.3 : null, error: 0 }
}

function makeToken(): string {
  return randomBytes(16).toString('hex')
}

async function learnSecret(): Promise<void> {
  const answer = await relay.call('GET', '/v1/signing-secret')
  const { secrets } = (await answer.json()) as { secrets: { secret: string }[] }
  world.setSecret(secrets[0]!.secret)
}

/** seq rises over first-time deliveries, and one webhook id is one event. */
function expectOrder(): void {
  const last = new Map<string, number>()
  const known = new Map<string, string>()
  for (const { webhookId, subscriptionId, seq, type } of world.received) {
    const event = `${subscriptionId} ${seq} ${type}`
    if (known.has(webhookId)) {
      expect(known.get(webhookId)).toBe(event)
      continue
    }
    known.set(webhookId, event)
    expect(seq).toBeGreaterThan(last.get(subscriptionId) ?? 0)
    last.set(subscriptionId, seq)
  }
}

it('a relay killed again and again while it registers, polls and delivers keeps its promise', async () => {
  world = await openWorld(statusOf)
  relay = await startRelay(world.env)
  await learnSecret()
  const promised = new Set<string>()
  const ended = () =>
    new Set(world.received.filter(({ type }) => type === 'task.completed').map(({ token }) => token))

  for (const killAfter of [3, 20, 45, 70]) {
    // Registrations run while webhooks of earlier ones arrive; the kill comes in the middle of both.
    const registering = Array.from({ length: 15 }, async () => {
      const token = makeToken()
      const body = { task_token: token, callback_url: world.callbackUrl('/hook') }
      const answer = await relay.call('POST', '/v1/subscriptions', body).catch(() => null)
      if (answer?.status === 201) promised.add(token)
    })
    await world.until(() => world.received.length >= killAfter)
    await relay.kill()
    await Promise.all(registering)
    relay = await startRelay(world.env)
  }

  await world.until(() => [...promised].every((token) => ended().has(token)))
  expect(promised.size).toBeGreaterThan(0)
  expect(world.refused).toEqual([])
  expectOrder()
})

it('60 tasks at 100 ms reach their verified end, 8 tokens or more a call, none asked for after its end', async () => {
  const askedAfterEnd: string[] = []
  world = await openWorld((token, asked) => {
    if (asked > steps.length) askedAfterEnd.push(token)
    return statusOf(token, asked)
  })
  relay = await startRelay(world.env)
  await learnSecret()
  // Together, so that they are under way at one time however long a flush takes here.
  const registering = Array.from({ length: 60 }, (_, i) => {
    const body = { task_token: makeToken(), callback_url: world.callbackUrl(`/hook?job=${i}`) }
    return relay.call('POST', '/v1/subscriptions', body)
  })
  for (const answer of await Promise.all(registering)) expect(answer.status).toBe(201)
  const ends = () => world.received.filter(({ type }) => type === 'task.completed').length
  await world.until(() => ends() === 60)
  expect(await relay.terminate()).toBe(0)
  expect(world.refused).toEqual([])
  expect(askedAfterEnd).toEqual([])
  const asked = world.calls.reduce((sum, tokens) => sum + tokens.length, 0)
  expect(asked / world.calls.length).toBeGreaterThanOrEqual(8)
  expectOrder()
})

it('a second Pollhook on the same file is refused, while other readers open it', async () => {
  world = await openWorld(statusOf)
  relay = await startRelay(world.env)
  await expect(startRelay(world.env)).rejects.toThrow(/another Pollhook is using/)
  const reader = new Sqlite(world.env.POLLHOOK_DB!, { readonly: true })
  expect(reader.prepare('select count(*) as n from tasks').get()).toEqual({ n: 0 })
  reader.close()
})

it('a database made under another secret stops the boot with what to do', async () => {
  world = await openWorld(statusOf)
  relay = await startRelay(world.env)
  await relay.terminate()
  const other = Buffer.alloc(32, 8).toString('base64')
  await expect(startRelay({ ...world.env, POLLHOOK_SECRET: other })).rejects.toThrow(/POLLHOOK_SECRET/)
  relay = await startRelay({ ...world.env, POLLHOOK_SECRET: `${other},${world.env.POLLHOOK_SECRET}` })
  expect(
    (await fetch(`${relay.url}/v1/tasks`, { headers: { authorization: `Bearer ${apiKey}` } })).status,
  ).toBe(200)
})
