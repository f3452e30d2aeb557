import { expect, it } from 'vitest'
import { at, deliveryRecord, endpointRecord, subscriptionRecord } from '../http/support.ts'
import { liveOf, openDashboard } from './support.ts'

const due = {
  ...deliveryRecord,
  state: 'pending',
  stateReason: null,
  nextAttemptAt: at,
  finishedAt: null,
} as const

/** What the page of a delivery shows, without its tags. */
async function shown(of: {
  delivery?: Partial<typeof deliveryRecord>
  endpoint?: Partial<typeof endpointRecord>
  subscription?: Partial<typeof subscriptionRecord>
}): Promise<string> {
  const endpoint = { ...endpointRecord, state: 'healthy', retryAfterUntil: null, ...of.endpoint } as const
  const queries = {
    delivery: () => ({ ...due, ...of.delivery }),
    subscription: () => ({ ...subscriptionRecord, ...of.subscription }),
    listEndpoints: () => ({ data: [endpoint], nextCursor: null, positions: [] }),
  }
  const { text } = await openDashboard({ overrides: { queries } }).reader()
  return liveOf(await text('/dashboard/deliveries/dlv_1')).replaceAll(/<[^>]*>/g, '')
}

it.each([
  ['Its subscription is paused.', { subscription: { state: 'paused' as const } }],
  ['Its endpoint is paused.', { endpoint: { paused: true } }],
  ['Its endpoint asked to wait; that is over in 1 min.', { endpoint: { retryAfterUntil: at + 60_000 } }],
  ['Its endpoint is failing: one delivery at a time', { endpoint: { state: 'failing' as const } }],
  ['It waits for its turn. See all that is pending for its subscription.', {}],
  ['It waits for its turn.', { endpoint: { origin: 'https://elsewhere.example.com', paused: true } }],
  [
    'It waits for its turn.',
    { endpoint: { state: 'failing' as const }, delivery: { type: 'pollhook.test' } },
  ],
])('says why a delivery that is due does not go out: %s', async (said, of) => {
  expect(await shown(of)).toContain(said)
})

it('says that a retry waits as long as its endpoint asked for', async () => {
  const delivery = { nextAttemptAt: at + 60_000 }
  const said = 'Its endpoint asked to wait; that is over in 1 min.'
  expect(await shown({ delivery, endpoint: { retryAfterUntil: at + 60_000 } })).toContain(said)
  expect(await shown({ delivery, endpoint: { retryAfterUntil: at } })).not.toContain('asked to wait')
})

it('says nothing of the kind where a retry has its time, or nothing is to come', async () => {
  const endpoint = { paused: true }
  expect(await shown({ endpoint, delivery: { nextAttemptAt: at + 60_000 } })).not.toContain('paused')
  expect(await shown({ endpoint, delivery: deliveryRecord })).not.toContain('paused')
})
