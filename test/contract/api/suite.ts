/** CONTRACT §2, the REST API, on whichever runtime. */
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import {
  type Delivery,
  deliveriesOf,
  endpointOf,
  json,
  newToken,
  polledOn,
  receivedBy,
  register,
  type Subject,
  type Subscription,
  until,
} from '../subject.ts'

interface Problem {
  code: string
  status: number
  id?: string
  errors?: { path: string }[]
}

export function apiSuite(subject: () => Subject): void {
  registering(subject)
  refusals(subject)
  subscriptions(subject)
  sending(subject)
  ownersAndSystem(subject)
}

function registering(subject: () => Subject): void {
  describe('registering', () => {
    it('answers 201 once, 200 with the same options, 409 with others', async () => {
      const { call, callbackUrl } = subject()
      const body = { task_token: newToken(), callback_url: callbackUrl('/again'), metadata: { job: '7' } }
      const made = await call('POST', '/v1/subscriptions', body)
      const subscription = await json<Subscription>(made)
      expect([made.status, made.headers.get('location')]).toEqual([
        201,
        `/v1/subscriptions/${subscription.id}`,
      ])
      const again = await call('POST', '/v1/subscriptions', { ...body, events: ['*'], percent_step: 1 })
      expect([again.status, (await json<Subscription>(again)).id]).toEqual([200, subscription.id])
      const other = await call('POST', '/v1/subscriptions', { ...body, percent_step: 5 })
      expect(await json<Problem>(other)).toMatchObject({
        status: 409,
        code: 'subscription_exists',
        id: subscription.id,
      })
    })

    it('in a batch answers each in order', async () => {
      const { call, callbackUrl } = subject()
      const good = () => ({ task_token: newToken(), callback_url: callbackUrl('/batch') })
      const subscriptions = [good(), { task_token: 'x' }, good(), good()]
      const response = await call('POST', '/v1/subscriptions/batch', { subscriptions })
      const { results } = await json<{ results: { status: number; subscription?: Subscription }[] }>(response)
      expect(results.map(({ status }) => status)).toEqual([201, 400, 201, 201])
      const tokens = results.map(({ subscription }) => subscription?.task_token ?? 'x')
      expect(tokens).toEqual(subscriptions.map(({ task_token }) => task_token))
    })
  })
}

function refusals(subject: () => Subject): void {
  const good = () => ({ task_token: newToken(), callback_url: subject().callbackUrl('/refused') })
  describe('refusing', () => {
    it.for([
      ['an unknown field', { more: 1 }, 'invalid_request'],
      ['a bad token', { task_token: 'ABC' }, 'invalid_request'],
      ['a private callback', { callback_url: 'https://10.0.0.1/' }, 'callback_not_allowed'],
      ['a foreign status URL', { status_url: 'https://evil.test/v1/status' }, 'status_url_not_allowed'],
      ['too much metadata', { metadata: { a: 'x'.repeat(3000) } }, 'invalid_request'],
      ['a step of 0', { percent_step: 0 }, 'invalid_request'],
    ] as const)('names the fault of %s', async ([_name, more, code]) => {
      const response = await subject().call('POST', '/v1/subscriptions', { ...good(), ...more })
      expect(response.headers.get('content-type')).toContain('application/problem+json')
      expect(await json<Problem>(response)).toMatchObject({ status: 400, code })
    })

    it.for([
      ['GET', '/v1/subscriptions', 'nobody-has-this-key-at-all', 401],
      ['GET', '/v1/subscriptions/sub_none', undefined, 404],
      ['GET', '/v1/nothing', undefined, 404],
      ['PUT', '/v1/subscriptions', undefined, 405],
      ['GET', '/v1/deliveries?limit=201', undefined, 400],
      ['GET', '/v1/deliveries?cursor=nonsense!', undefined, 400],
    ] as const)('%s %s', async ([method, path, key, status]) => {
      const response = await subject().call(method, path, undefined, key)
      expect(response.status).toBe(status)
      expect(response.headers.get('x-request-id')).toBeTruthy()
    })

    it('bodies over 64 KiB', async () => {
      const body = { ...good(), metadata: { a: 'x'.repeat(70_000) } }
      expect((await subject().call('POST', '/v1/subscriptions', body)).status).toBe(413)
    })
  })
}

function subscriptions(subject: () => Subject): void {
  describe('subscriptions', () => {
    it('are listed newest first, page by page, with a filter', async () => {
      const { call, callbackUrl } = subject()
      const callback = callbackUrl(`/${newToken()}`)
      const made: string[] = []
      for (let i = 0; i < 5; i++) made.push((await register(subject(), { callback_url: callback })).id)
      const seen: (Subscription & { created_at: string })[] = []
      for (let cursor = ''; ; ) {
        const path = `/v1/subscriptions?limit=2&callback_url=${encodeURIComponent(callback)}${cursor}`
        const page = await json<{ data: typeof seen; next_cursor: string | null }>(call('GET', path))
        seen.push(...page.data)
        if (page.next_cursor === null) break
        cursor = `&cursor=${page.next_cursor}`
      }
      expect(seen.map(({ id }) => id).sort()).toEqual([...made].sort())
      // By time, as ids of several shards have no order among them.
      const times = seen.map(({ created_at }) => created_at)
      expect(times).toEqual(times.toSorted().reverse())
    })

    it('pause, change, resume and end; an ended one does not change any more', async () => {
      const { call } = subject()
      const { id } = await register(subject())
      const patch = (body: object) => call('PATCH', `/v1/subscriptions/${id}`, body)
      expect(await json(patch({ state: 'paused', metadata: { a: 'b' } }))).toMatchObject({
        state: 'paused',
        metadata: { a: 'b' },
      })
      expect(await json(patch({ state: 'active' }))).toMatchObject({ state: 'active' })
      for (const _again of [1, 2]) expect((await call('DELETE', `/v1/subscriptions/${id}`)).status).toBe(204)
      const found = await json<Subscription>(call('GET', `/v1/subscriptions/${id}`))
      expect([found.state, found.state_reason]).toEqual(['cancelled', 'requested'])
      expect(await json<Problem>(patch({ metadata: {} }))).toMatchObject({ status: 409, code: 'conflict' })
    })

    it('belong to one owner', async () => {
      const { call, keys } = subject()
      const made = await register(subject())
      const paths = [`/v1/subscriptions/${made.id}`, `/v1/tasks/${made.task_token}`]
      for (const path of paths) expect((await call('GET', path, undefined, keys.other)).status).toBe(404)
    })
  })
}

function sending(subject: () => Subject): void {
  describe('sending', () => {
    it('a test event is signed and has no seq', async () => {
      const { call } = subject()
      const made = await register(subject(), { events: ['task.completed'] })
      expect((await call('POST', `/v1/subscriptions/${made.id}/test`)).status).toBe(202)
      await until(() => receivedBy(subject(), made).length === 1)
      expect(receivedBy(subject(), made)[0]).toMatchObject({ type: 'pollhook.test', seq: null })
    })

    it('shows each attempt, and sends the same bytes under the same id again', async () => {
      const { call, script } = subject()
      script.reply = () => ({ status: 500 })
      const made = await register(subject())
      await until(async () => (await deliveriesOf(subject(), made))[0]?.state === 'exhausted')
      const [{ id } = { id: '' }] = await deliveriesOf(subject(), made)
      const detail = await json<Delivery & { payload: object; attempt_log: { status_code: number }[] }>(
        call('GET', `/v1/deliveries/${id}`),
      )
      expect(detail.attempt_log.map((attempt) => attempt.status_code)).toEqual([500, 500, 500])
      script.reply = () => ({ status: 204 })
      const again = { state: 'exhausted', subscription_id: made.id }
      const dry = call('POST', '/v1/deliveries/redeliver', { ...again, dry_run: true })
      expect(await json(dry)).toEqual({ count: 1 })
      expect((await call('POST', `/v1/deliveries/${id}/redeliver`)).status).toBe(202)
      await until(async () => (await deliveriesOf(subject(), made))[0]?.state === 'delivered')
      const sent = receivedBy(subject(), made)
      expect(sent).toHaveLength(4)
      expect(new Set(sent.map((one) => one.id + one.body)).size).toBe(1)
    })

    it('a rotated secret signs beside the one before', async () => {
      const { call } = subject()
      const secrets = async (path: string, method = 'GET') =>
        (await json<{ secrets: { secret: string }[] }>(call(method, path))).secrets.map((one) => one.secret)
      const before = await secrets('/v1/signing-secret')
      const after = await secrets('/v1/signing-secret/rotate', 'POST')
      expect(after.slice(1, 2)).toEqual(before.slice(0, 1))
      const made = await register(subject())
      await until(() => receivedBy(subject(), made).length > 0)
      const { body, headers } = receivedBy(subject(), made)[0]!
      for (const secret of after.slice(0, 2))
        expect(() => new Webhook(secret).verify(body, headers)).not.toThrow()
    })
  })
}

function ownersAndSystem(subject: () => Subject): void {
  it('a task shows its transitions, and its events end with it', async () => {
    const { call, script } = subject()
    script.statusOf = (_token, asked) => ({ status: asked === 1 ? 'encoding' : 'completed', percent: 100 })
    const made = await register(subject())
    await until(() => receivedBy(subject(), made).some(({ type }) => type === 'task.completed'))
    const path = `/v1/tasks/${made.task_token}`
    const task = await json<{ status: string; transitions: { type: string }[] }>(call('GET', path))
    expect(task.transitions.map(({ type }) => type)).toEqual(['task.encoding', 'task.completed'])
    const stream = await call('GET', `${path}/events?after=0`)
    expect((await stream.text()).match(/^id: \d+$/gm)).toEqual(['id: 1', 'id: 2'])
    expect((await call('GET', `${path}/events?after=2`)).status).toBe(204)
  })

  it('an endpoint holds while it is paused', async () => {
    const { call, script } = subject()
    script.statusOf = () => ({ status: 'encoding' })
    const made = await register(subject())
    const id = (await endpointOf(subject()))?.id
    expect(await json(call('PATCH', `/v1/endpoints/${id}`, { paused: true }))).toMatchObject({ paused: true })
    await call('POST', `/v1/subscriptions/${made.id}/test`)
    // The first poll may bring an event of its own after it.
    const tests = (await deliveriesOf(subject(), made)).filter(({ type }) => type === 'pollhook.test')
    expect(tests).toMatchObject([{ state: 'pending' }])
    // While it is polled a few times more, nothing goes out.
    await polledOn(subject(), made)
    expect(receivedBy(subject(), made).filter(({ type }) => type === 'pollhook.test')).toEqual([])
    await call('PATCH', `/v1/endpoints/${id}`, { paused: false })
    await until(() => receivedBy(subject(), made).some(({ type }) => type === 'pollhook.test'))
  })

  it.for(['/healthz', '/readyz', '/openapi.json', '/docs', '/metrics'])('%s answers 200', async (path) => {
    expect((await subject().call('GET', path)).status).toBe(200)
  })
}
