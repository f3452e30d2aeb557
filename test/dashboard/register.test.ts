import { describe, expect, it } from 'vitest'
import type { SubscriptionInput } from '../../src/store/records.ts'
import { recordOf, subscriptionRecord, token } from '../http/support.ts'
import { openDashboard } from './support.ts'

describe('register', () => {
  const fields = { task_token: token, callback_url: 'https://app.example.com/hooks' }

  it('registers with every field and goes to the task', async () => {
    let input: SubscriptionInput | undefined
    const commands = {
      subscribe: async (inputs: readonly SubscriptionInput[]) => {
        input = inputs[0]
        return inputs.map((one) => ({ kind: 'created', subscription: recordOf(one) }) as const)
      },
    }
    const { post } = await openDashboard({ overrides: { commands } }).reader()
    const response = await post('/dashboard/register', {
      ...fields,
      status_url: 'https://master-1.qencode.com/v1/status',
      events: 'task.completed, task.failed',
      percent_step: '2.5',
      metadata: 'job=7\r\nnote=a=b\r\n',
      secret: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      expires_in: '60',
    })
    expect(response.headers.get('location')).toBe(`/dashboard/tasks/${token}?done=registered`)
    expect(input).toMatchObject({
      ownerId: 1,
      statusUrl: 'https://master-1.qencode.com/v1/status',
      events: ['task.completed', 'task.failed'],
      percentStep: 2.5,
      metadata: { job: '7', note: 'a=b' },
      secret: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
      expiresInMs: 60_000,
    })
  })

  it('says that an equal subscription was there already', async () => {
    const commands = {
      subscribe: async () => [{ kind: 'existing', subscription: subscriptionRecord } as const],
    }
    const { post, text } = await openDashboard({ overrides: { commands } }).reader()
    const to = (await post('/dashboard/register', fields)).headers.get('location') ?? ''
    expect(await text(to)).toContain('You had this subscription already')
  })

  it('shows what was typed again, with what is wrong beside its field, but never a secret', async () => {
    const { post } = await openDashboard().reader()
    const response = await post('/dashboard/register', {
      ...fields,
      task_token: 'abc',
      metadata: 'job=7',
      secret: 'whsec_secret',
    })
    expect(response.status).toBe(400)
    const page = await response.text()
    expect(page).toMatch(
      /value="abc"[^>]*aria-invalid="true" aria-describedby="field-task_token-fault field-task_token-hint"/,
    )
    expect(page).toContain('must be 32 characters of 0-9 and a-f')
    expect(page).toContain('job=7')
    expect(page).toContain('&quot;task_token&quot;: &quot;abc&quot;')
    expect(page).not.toContain('whsec_secret')
  })

  it('says that the secret was not kept, where something else is wrong', async () => {
    const { post } = await openDashboard().reader()
    const secret = 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
    const page = await (await post('/dashboard/register', { ...fields, task_token: 'abc', secret })).text()
    expect(page).toContain('Not kept: type it again.')
    expect(page).not.toContain(secret)
  })

  it('says which subscription is in the way', async () => {
    const commands = { subscribe: async () => [{ kind: 'subscription_exists', id: 'sub_9' } as const] }
    const { post } = await openDashboard({ overrides: { commands } }).reader()
    const response = await post('/dashboard/register', fields)
    expect(response.status).toBe(409)
    const page = await response.text()
    expect(page).toContain('Subscription sub_9')
    expect(page).toContain(`href="/dashboard/tasks/${token}"`)
  })

  it('makes a curl call that a shell reads as it is meant', async () => {
    const { post } = await openDashboard().reader()
    const response = await post('/dashboard/register/curl', {
      ...fields,
      metadata: "who=o'brien",
      secret: 'whsec_secret',
    })
    const text = await response.text()
    expect(text).toContain('$POLLHOOK_KEY')
    expect(text).toContain('o&#39;\\&#39;&#39;brien')
    expect(text).not.toContain('whsec_secret')
  })
})
