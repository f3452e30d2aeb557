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
