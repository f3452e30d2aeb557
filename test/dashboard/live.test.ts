/** What the script brings up to date, and what it leaves as the reader has it. */
import { describe, expect, it } from 'vitest'
import { deliveryRecord, endpointRecord, taskRecord } from '../http/support.ts'
import { liveOf, openDashboard } from './support.ts'

describe('a list that grows while it is looked at', () => {
  const more = <T>(record: T) => ({ data: [record], nextCursor: 'c2', positions: [] })
  const queries = {
    listTasks: () => more(taskRecord),
    listDeliveries: () => more(deliveryRecord),
    listEndpoints: () => more(endpointRecord),
  }

  it.each(['tasks', 'deliveries', 'endpoints'])(
    'has its way on to older %s brought up to date',
    async (name) => {
      const { text } = await openDashboard({ overrides: { queries } }).reader()
      const live = liveOf(await text(`/dashboard/${name}`))
      expect(live).toContain(`href="/dashboard/${name}?cursor=c2">Older</a>`)
    },
  )
})

describe('a page that tells of a refusal', () => {
  it.each([
    ['/dashboard/deliveries/dlv_1/redeliver', '/dashboard/deliveries/dlv_1'],
    ['/dashboard/endpoints/ep_1/pause', '/dashboard/endpoints'],
    ['/dashboard/endpoints/ep_1/resume', '/dashboard/endpoints'],
    ['/dashboard/endpoints/ep_1/limits?cursor=c2', '/dashboard/endpoints?cursor=c2'],
  ])('is brought up to date, and loaded again, at the address of its form: %s', async (form, at) => {
    const { get } = await openDashboard().reader()
    const response = await get(form)
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe(at)
  })

  it('keeps what was typed, as long as the reader looks at it', async () => {
    const { post } = await openDashboard().reader()
    const refused = await post('/dashboard/endpoints/ep_1/limits', { max_concurrency: '0' })
    expect(await refused.text()).toMatch(/<form [^>]*\/limits" data-touched="yes">/)
  })
})

describe('an endpoint that is not on the first page', () => {
  const listEndpoints = (_owner: number, { cursor }: { cursor: string | null }) =>
    cursor === 'c2'
      ? { data: [endpointRecord], nextCursor: null, positions: [] }
      : { data: [], nextCursor: 'c2', positions: [] }

  it('is shown again after a change', async () => {
    const { text, post } = await openDashboard({ overrides: { queries: { listEndpoints } } }).reader()
    const page = await text('/dashboard/endpoints?cursor=c2')
    const [, action = ''] = /action="([^"]*\/pause[^"]*)"/.exec(page) ?? []
    const location = (await post(action)).headers.get('location') ?? ''
    expect(location).toBe('/dashboard/endpoints?done=paused&cursor=c2#ep_1')
  })

  it('is shown with what was refused', async () => {
    const { text, post } = await openDashboard({ overrides: { queries: { listEndpoints } } }).reader()
    const page = await text('/dashboard/endpoints?cursor=c2')
    const [, action = ''] = /action="([^"]*\/limits[^"]*)"/.exec(page) ?? []
    const refused = await post(action, { max_concurrency: '0' })
    expect(await refused.text()).toMatch(/id="ep_1-max_concurrency"[^>]* aria-invalid="true"/)
  })
})
