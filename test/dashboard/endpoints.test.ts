/** Endpoints: how each is doing, its pause and its limits. */
import { describe, expect, it } from 'vitest'
import { at, deliveryRecord, endpointRecord } from '../http/support.ts'
import { onePage, openDashboard } from './support.ts'

describe('endpoints', () => {
  it('shows health, backlog and the latency of recent attempts', async () => {
    const page = await (await openDashboard().reader()).text('/dashboard/endpoints')
    expect(page).toContain('https://app.example.com')
    expect(page).toContain('<span class="pill bad">failing</span>')
    expect(page).toContain('<strong>3</strong> waiting')
    expect(page).toContain('1 attempt, 1 failed; median 12 ms, longest 12 ms.')
    expect(page).toContain('name="max_per_second" type="number" value="5"')
  })

  it.each([
    ['accepted', 'accepted', at, 'ok', false],
    ['was accepted before what is looked at', null, at, 'ok', false],
    ['failed', 'rejected', at, 'wait', true],
    ['failed, but not the last of all', 'rejected', at + 60_000, 'ok', false],
    ['there was not', null, null, 'off', false],
  ] as const)(
    'is not green because its circuit is closed: the last attempt %s',
    async (_name, outcome, lastSuccessAt, tone, said) => {
      const [log] = deliveryRecord.attemptLog
      const attemptLog = outcome === null ? [] : [{ ...log!, outcome }]
      const delivery = { ...deliveryRecord, attempts: attemptLog.length, attemptLog }
      const queries = {
        delivery: () => delivery,
        listDeliveries: () => onePage([delivery]),
        listEndpoints: () => onePage([{ ...endpointRecord, state: 'healthy', lastSuccessAt } as const]),
      }
      const page = await (await openDashboard({ overrides: { queries } }).reader()).text(
        '/dashboard/endpoints',
      )
      expect(page).toContain(`<span class="pill ${tone}">healthy</span>`)
      expect(page.includes('last attempt failed')).toBe(said)
    },
  )

  it('shows attempts that went well also where the newest deliveries all wait', async () => {
    const waiting = { ...deliveryRecord, attempts: 0, attemptLog: [] }
    const listDeliveries = (_owner: number, { state }: { state?: string }) => {
      const data = [state === 'delivered' ? deliveryRecord : waiting]
      return { data, nextCursor: null, positions: [] }
    }
    const page = openDashboard({ overrides: { queries: { listDeliveries } } }).reader()
    expect(await (await page).text('/dashboard/endpoints')).toContain('1 attempt, 1 failed')
  })

  it.each([
    ['pause', {}, { paused: true }, 'Paused.'],
    ['resume', {}, { paused: false }, 'Resumed.'],
    [
      'limits',
      { max_concurrency: '3', max_per_second: '' },
      { maxConcurrency: 3, maxPerSecond: null },
      'The limits are saved.',
    ],
  ])('%s: %j', async (action, fields, expected, said) => {
    let patch: unknown
    const commands = {
      updateEndpoint: async (_owner: number, _id: string, given: unknown) => {
        patch = given
        return endpointRecord
      },
    }
    const { post, text } = await openDashboard({ overrides: { commands } }).reader()
    const response = await post(`/dashboard/endpoints/ep_1/${action}`, fields)
    expect(response.status).toBe(303)
    expect(patch).toEqual(expected)
    const [to = ''] = (response.headers.get('location') ?? '').split('#')
    expect(await text(to)).toContain(said)
  })

  it('shows refused limits again with what is wrong beside the field', async () => {
    const { post } = await openDashboard().reader()
    const response = await post('/dashboard/endpoints/ep_1/limits', {
      max_concurrency: '0',
      max_per_second: 'many',
    })
    expect(response.status).toBe(400)
    const page = await response.text()
    expect(page).toMatch(/id="ep_1-max_concurrency"[^>]* value="0"[^>]*aria-invalid="true"/)
    expect(page).toContain('must be at least 1; use paused to stop all attempts')
    expect(page).toContain('<details open>')
  })
})
