/** Deliveries, one of them with its attempts, and sending it again. */
import { describe, expect, it } from 'vitest'
import { problem } from '../../src/http/problem.ts'
import { deliveryRecord } from '../http/support.ts'
import { openDashboard } from './support.ts'

describe('deliveries', () => {
  it('passes state, type, subscription and cursor on, and keeps them in its links', async () => {
    let asked: unknown
    const queries = {
      listDeliveries: (_owner: number, query: unknown) => {
        asked ??= query
        return { data: [deliveryRecord], nextCursor: 'c2', positions: [] }
      },
    }
    const { text, get } = await openDashboard({ overrides: { queries } }).reader()
    const page = await text(
      '/dashboard/deliveries?state=exhausted&type=task.completed&subscription_id=sub_1&cursor=c1',
    )
    expect(asked).toMatchObject({
      state: 'exhausted',
      type: 'task.completed',
      subscriptionId: 'sub_1',
      cursor: 'c1',
    })
    expect(page).toContain('state=exhausted&amp;type=task.completed&amp;subscription_id=sub_1&amp;cursor=c2')
    expect(page).toContain('<option value="task.completed" selected>')
    expect((await get('/dashboard/deliveries?state=nonsense')).status).toBe(400)
  })

  it('reads on where the newest deliveries do not fit, and says so where it gives up', async () => {
    const asked: (string | null)[] = []
    const listDeliveries = (_owner: number, { cursor }: { cursor: string | null }) => {
      asked.push(cursor)
      const n = Number(cursor ?? 0)
      return { data: n === 2 ? [deliveryRecord] : [], nextCursor: String(n + 1), positions: [] }
    }
    const { text } = await openDashboard({ overrides: { queries: { listDeliveries } } }).reader()
    const page = await text('/dashboard/deliveries?state=exhausted')
    expect(asked).toEqual([null, '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    expect(page).toContain(`/dashboard/deliveries/${deliveryRecord.id}`)
    const further = await text('/dashboard/deliveries?state=exhausted&cursor=3')
    expect(further).toContain('No delivery fits so far')
    expect(further).toContain('href="/dashboard/deliveries?state=exhausted&amp;cursor=13"')
  })

  it('shows one with the receiver’s answer and the payload', async () => {
    const page = await (await openDashboard().reader()).text('/dashboard/deliveries/dlv_1')
    expect(page).toContain('<span class="pill bad">exhausted</span>')
    expect(page).toContain('HTTP 500')
    expect(page).toContain('<code>no</code>')
    // To be found in the receiver's own log.
    expect(page).toMatch(/HTTP 500.*>2026-11-23 10:00:00\.000 UTC<\/time> <span [^>]*>just now</s)
    expect(page).toContain('&quot;type&quot;: &quot;task.completed&quot;')
  })

  it('tells attempts apart, those that are not kept and those that went to another URL', async () => {
    const [log] = deliveryRecord.attemptLog
    const attemptLog = [
      { ...log!, attempt: 21, url: 'https://old.example.com/hooks' },
      { ...log!, attempt: 22 },
    ]
    const queries = { delivery: () => ({ ...deliveryRecord, attempts: 22, attemptLog }) }
    const page = await (await openDashboard({ overrides: { queries } }).reader()).text(
      '/dashboard/deliveries/dlv_1',
    )
    expect(page).toMatch(/id="attempt-22".*id="attempt-21".*https:\/\/old\.example\.com\/hooks/s)
    expect(page.match(/https:\/\/app\.example\.com\/hooks/g)).toHaveLength(1)
    expect(page).toContain('The newest 2 of 22.')
  })

  it('sends one again', async () => {
    const sent: string[] = []
    const commands = {
      redeliver: async (_owner: number, id: string) => {
        sent.push(id)
        return { kind: 'queued', delivery: deliveryRecord } as const
      },
    }
    const { post, text } = await openDashboard({ overrides: { commands } }).reader()
    const response = await post('/dashboard/deliveries/dlv_1/redeliver')
    expect(response.status).toBe(303)
    expect(sent).toEqual(['dlv_1'])
    expect(await text(response.headers.get('location') ?? '')).toContain('role="status">Queued.')
  })

  it('says why one cannot be sent again', async () => {
    const commands = { redeliver: async () => ({ kind: 'conflict', detail: 'It is cancelled.' }) as const }
    const { post } = await openDashboard({ overrides: { commands } }).reader()
    const response = await post('/dashboard/deliveries/dlv_1/redeliver')
    expect(response.status).toBe(409)
    expect(await response.text()).toContain('It is cancelled.')
  })

  it('answers with the status that the API did', async () => {
    const commands = {
      redeliver: async () => {
        throw problem('unavailable', 'Pollhook is draining.')
      },
    }
    const { post } = await openDashboard({ overrides: { commands } }).reader()
    const response = await post('/dashboard/deliveries/dlv_1/redeliver')
    expect(response.status).toBe(503)
    expect(await response.text()).toContain('Pollhook is draining.')
  })
})
