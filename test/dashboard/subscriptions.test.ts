import { describe, expect, it } from 'vitest'
import { at, deliveryRecord, subscriptionRecord, token } from '../http/support.ts'
import { openDashboard, otherKey } from './support.ts'

const listed = (state: typeof subscriptionRecord.state) => ({
  listSubscriptions: () => ({ data: [{ ...subscriptionRecord, state }], nextCursor: null, positions: [] }),
})

/** What the forms of the card lead to. */
async function offered(state: typeof subscriptionRecord.state, path = `/dashboard/tasks/${token}`) {
  const { text } = await openDashboard({ overrides: { queries: listed(state) } }).reader()
  return [...(await text(path)).matchAll(/action="\/dashboard\/subscriptions\/sub_1\/([^"]*)"/g)].map(
    ([, action]) => action,
  )
}

describe('a subscription', () => {
  it('offers what its state allows', async () => {
    expect(await offered('active')).toEqual(['test', 'pause', 'cancel'])
    expect(await offered('paused')).toEqual(['test', 'resume', 'cancel'])
    expect(await offered('completed')).toEqual(['test'])
    expect(await offered('cancelled')).toEqual([])
    expect(await offered('active', `/dashboard/tasks/${token}?cursor=c2`)).toContain('test?cursor=c2')
  })

  it('shows each of its metadata by itself, whatever direction it is written in', async () => {
    const record = { ...subscriptionRecord, metadata: { job: '7,8', name: '\u202eabc' } }
    const queries = { listSubscriptions: () => ({ data: [record], nextCursor: null, positions: [] }) }
    const { text } = await openDashboard({ overrides: { queries } }).reader()
    const page = await text(`/dashboard/tasks/${token}`)
    expect(page).toContain('<li><bdi>job=7,8</bdi></li><li><bdi>name=\u202eabc</bdi></li>')
  })

  it('is not green when it is complete: its task may have failed', async () => {
    const { text } = await openDashboard({ overrides: { queries: listed('completed') } }).reader()
    const [, card = ''] = (await text(`/dashboard/tasks/${token}`)).split('<article')
    expect(card).toContain('<span class="pill off">completed</span>')
  })

  it('says of a paused one that it is, not that its deliveries are due', async () => {
    const delivery = { ...deliveryRecord, state: 'pending', nextAttemptAt: at, finishedAt: null } as const
    const queries = {
      ...listed('paused'),
      listDeliveries: () => ({ data: [delivery], nextCursor: null, positions: [] }),
    }
    const { text } = await openDashboard({ overrides: { queries } }).reader()
    const page = await text(`/dashboard/tasks/${token}`)
    expect(page).toContain('<td class="wide">paused</td>')
    expect(page).not.toContain('>due<')
  })

  it('is sent a test event, of which the page of the delivery tells', async () => {
    const { post, text } = await openDashboard().reader()
    const to = (await post('/dashboard/subscriptions/sub_1/test')).headers.get('location') ?? ''
    expect(to).toBe('/dashboard/deliveries/dlv_1?done=tested')
    expect(await text(to)).toContain('role="status">A test event is on its way.')
  })

  it.each([
    ['pause', 'paused', 'Paused.'],
    ['resume', 'active', 'Resumed.'],
  ])('can be told to %s', async (action, state, said) => {
    let patch: unknown
    const commands = {
      updateSubscription: async (_owner: number, _id: string, given: unknown) => {
        patch = given
        return { kind: 'updated', subscription: subscriptionRecord } as const
      },
    }
    const { post, text } = await openDashboard({ overrides: { commands } }).reader()
    const response = await post(`/dashboard/subscriptions/sub_1/${action}?cursor=c2`)
    const location = response.headers.get('location') ?? ''
    expect(location).toMatch(new RegExp(`^/dashboard/tasks/${token}\\?done=[a-z]+&cursor=c2#sub_1$`))
    expect(patch).toEqual({ state })
    expect(await text(location.replace(/#.*/, ''))).toContain(`role="status">${said}`)
  })

  it('is cancelled behind a second step', async () => {
    const cancelled: string[] = []
    const commands = {
      cancelSubscription: async (_owner: number, id: string) => {
        cancelled.push(id)
        return true
      },
    }
    const { post, text } = await openDashboard({ overrides: { commands } }).reader()
    expect(await text(`/dashboard/tasks/${token}`)).toMatch(/<details><summary>Cancel<\/summary><form/)
    const location = (await post('/dashboard/subscriptions/sub_1/cancel')).headers.get('location') ?? ''
    expect(cancelled).toEqual(['sub_1'])
    expect(location).toBe(`/dashboard/tasks/${token}?done=cancelled#sub_1`)
  })

  it('says what the API refuses', async () => {
    const commands = {
      sendTest: async () => ({ kind: 'conflict', detail: 'the subscription is cancelled' }) as const,
    }
    const { post } = await openDashboard({ overrides: { commands } }).reader()
    const response = await post('/dashboard/subscriptions/sub_1/test')
    expect(response.status).toBe(409)
    expect(await response.text()).toContain('the subscription is cancelled')
  })

  it('is out of reach for another owner', async () => {
    const mine = (owner: number) => owner === 1
    const overrides = {
      queries: { subscription: (owner: number) => (mine(owner) ? subscriptionRecord : null) },
      commands: {
        sendTest: async () => ({ kind: 'not_found' }) as const,
        updateSubscription: async () => ({ kind: 'not_found' }) as const,
        cancelSubscription: async () => {
          throw new Error('not to be asked')
        },
      },
    }
    const { post } = await openDashboard({ overrides }).reader(otherKey)
    for (const action of ['test', 'pause', 'resume', 'cancel']) {
      expect((await post(`/dashboard/subscriptions/sub_1/${action}`)).status).toBe(404)
    }
  })
})
