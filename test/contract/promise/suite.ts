/** CONTRACT §4, the delivery promise, on whichever runtime: the rules that a user can see from outside. */
import { Webhook } from 'standardwebhooks'
import { expect, it } from 'vitest'
import {
  deliveriesOf,
  endpointOf,
  json,
  polledOn,
  receivedBy,
  register,
  type Subject,
  type Subscription,
  until,
} from '../subject.ts'

const path = ['downloading', 'queued', 'encoding', 'saving', 'completed']

export function promiseSuite(subject: () => Subject): void {
  inOrder(subject)
  answers(subject)
  endpoints(subject)
}

const typesOf = (subject: Subject, made: Subscription) => receivedBy(subject, made).map(({ type }) => type)
const hasEnded = (subject: Subject, made: Subscription) => typesOf(subject, made).includes('task.completed')

function inOrder(subject: () => Subject): void {
  it('every status change is told once, in order, signed', async () => {
    const { call, script } = subject()
    script.statusOf = (_token, asked) => ({ status: path[Math.min(asked, path.length) - 1] })
    const made = await Promise.all(Array.from({ length: 5 }, () => register(subject())))
    await until(() => made.every((one) => hasEnded(subject(), one)))
    const { secrets } = await json<{ secrets: { secret: string }[] }>(call('GET', '/v1/signing-secret'))
    const verifier = new Webhook(secrets[0]!.secret)
    for (const one of made) {
      expect(typesOf(subject(), one)).toEqual(path.map((status) => `task.${status}`))
      expect(receivedBy(subject(), one).map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5])
      for (const { body, headers } of receivedBy(subject(), one)) verifier.verify(body, headers)
    }
  })

  it('says what it carries and who sends it, beside the headers of Standard Webhooks', async () => {
    subject().script.statusOf = () => ({ status: 'completed' })
    const made = await register(subject())
    await until(() => receivedBy(subject(), made).length > 0)
    expect(receivedBy(subject(), made)[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': expect.stringMatching(/^Pollhook\/\d+\.\d+\.\d+$/),
      'webhook-id': expect.stringMatching(/^msg_/),
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
      // Several while a rotation overlaps.
      'webhook-signature': expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=( v1,[A-Za-z0-9+/]{43}=)*$/),
    })
  })

  it('a restart loses nothing, and a repeat has the same id', async () => {
    const { script } = subject()
    let done = false
    script.statusOf = () => ({ status: done ? 'completed' : 'encoding' })
    const refused = new Set<string>()
    // The first event of each comes twice at least.
    script.reply = ({ subscriptionId }) => {
      if (refused.has(subscriptionId)) return { status: 204 }
      refused.add(subscriptionId)
      return { status: 500 }
    }
    const made = await Promise.all(Array.from({ length: 5 }, () => register(subject())))
    await until(() => made.every((one) => receivedBy(subject(), one).length > 0))
    done = true
    await subject().restart()
    await until(() => made.every((one) => hasEnded(subject(), one)))
    for (const one of made) {
      const seqs = [...new Map(receivedBy(subject(), one).map(({ id, seq }) => [id, seq])).values()]
      expect(seqs).toEqual(seqs.map((_, index) => index + 1))
    }
  })

  it('the next event waits for the one before, whatever it meets', async () => {
    const { script } = subject()
    script.statusOf = (_token, asked) => ({ status: path[Math.min(asked, path.length) - 1] })
    // Of each subscription: in shards that others use too, tasks of earlier tests are told as well.
    const refused = new Map<string, number>()
    script.reply = ({ type, subscriptionId }) => {
      const times = refused.get(subscriptionId) ?? 0
      if (type !== 'task.queued' || times === 2) return { status: 200 }
      refused.set(subscriptionId, times + 1)
      return { status: 503 }
    }
    const made = await register(subject())
    await until(() => hasEnded(subject(), made))
    const seqs = receivedBy(subject(), made).map(({ seq }) => seq)
    expect(seqs).toEqual([1, 2, 2, 2, 3, 4, 5])
  })

  it('progress that waits is superseded by what is newer, status changes never are', async () => {
    const { call, script } = subject()
    script.statusOf = () => ({ status: 'encoding', percent: 0 })
    const made = await register(subject())
    await call('PATCH', `/v1/subscriptions/${made.id}`, { state: 'paused' })
    let held = 0
    script.statusOf = (token) => {
      // Of this task: in shards that others use too, those of earlier tests are polled as well.
      if (token === made.task_token) held++
      return held > 5 ? { status: 'completed' } : { status: 'encoding', percent: held * 10 }
    }
    await until(async () => (await deliveriesOf(subject(), made))[0]?.type === 'task.completed')
    await call('PATCH', `/v1/subscriptions/${made.id}`, { state: 'active' })
    await until(() => hasEnded(subject(), made))
    const all = await deliveriesOf(subject(), made)
    const states = all.map(({ type, state }) => `${type} ${state}`)
    expect(states).toContain('task.encoding delivered')
    expect(states).toContain('task.progress superseded')
    expect(
      all.filter(({ state }) => state === 'superseded').every(({ type }) => type === 'task.progress'),
    ).toBe(true)
  })
}

function answers(subject: () => Subject): void {
  it.for([302, 400, 404, 500])('%i is no success, and is tried by the whole schedule', async (status) => {
    const { script } = subject()
    script.statusOf = () => ({ status: 'completed' })
    const location = { location: subject().callbackUrl('/elsewhere') }
    script.reply = () => ({ status, ...(status === 302 && { headers: location }) })
    const made = await register(subject())
    await until(async () => (await deliveriesOf(subject(), made))[0]?.state === 'exhausted')
    const [last] = await deliveriesOf(subject(), made)
    expect(last).toMatchObject({ type: 'task.completed', attempts: 4 })
    expect(subject().received.filter(({ url }) => url.endsWith('/elsewhere'))).toEqual([])
  })

  it('410 cancels the subscription', async () => {
    const { call, script } = subject()
    script.reply = () => ({ status: 410 })
    const made = await register(subject())
    const find = () => json<Subscription>(call('GET', `/v1/subscriptions/${made.id}`))
    await until(async () => (await find()).state === 'cancelled')
    expect((await find()).state_reason).toBe('gone')
  })

  it('Retry-After holds the whole endpoint', async () => {
    const { script } = subject()
    script.reply = () => ({ status: 429, headers: { 'retry-after': '3600' } })
    script.statusOf = () => ({ status: 'encoding' })
    const asked = Date.now()
    const made = await register(subject())
    await until(async () => ((await deliveriesOf(subject(), made))[0]?.attempts ?? 0) > 0)
    const until429 = Date.parse((await endpointOf(subject()))?.retry_after_until ?? '')
    expect(until429).toBeGreaterThanOrEqual(asked + 3_600_000)
    // Of the same task, so in the same shard: no attempt of it while the task is polled a few times more.
    const { callback_url, task_token } = { ...made, callback_url: subject().callbackUrl('/beside') }
    const other = await register(subject(), { task_token, callback_url })
    await polledOn(subject(), made)
    expect(await deliveriesOf(subject(), other)).toMatchObject([{ attempts: 0 }])
  })
}

function endpoints(subject: () => Subject): void {
  it('ten failures in a row open the circuit, the first success closes it and frees what waits', async () => {
    const { script } = subject()
    let broken = true
    script.statusOf = () => ({ status: 'completed' })
    script.reply = () => ({ status: broken ? 500 : 204 })
    const made = await Promise.all(Array.from({ length: 12 }, () => register(subject())))
    const isFailing = async () => (await endpointOf(subject()))?.state === 'failing'
    await until(isFailing)
    broken = false
    // What was exhausted by then probes no more, and circuits are per shard: new tasks find them all.
    await until(async () => {
      made.push(await register(subject()))
      return !(await isFailing())
    })
    await until(async () => {
      const all = await Promise.all(made.map((one) => deliveriesOf(subject(), one)))
      return all.flat().every(({ state }) => state === 'delivered' || state === 'exhausted')
    })
  })
}
