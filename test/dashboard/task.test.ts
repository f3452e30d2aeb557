/** The page of one task: its chart, transitions, result and subscriptions, and the stream beneath it. */
import { describe, expect, it } from 'vitest'
import { at, subscriptionRecord, taskRecord, token } from '../http/support.ts'
import { liveOf, none, onePage, openDashboard } from './support.ts'

/** @param polledAt of the schedule, which is not stored */
async function taskPage(task: typeof taskRecord, polledAt: number | null = null): Promise<string> {
  const overrides = { queries: { task: () => task }, commands: { polledAt: () => polledAt } }
  const { text } = await openDashboard({ overrides }).reader()
  return text(`/dashboard/tasks/${token}`)
}

describe('one task', () => {
  it('shows the chart with its words, the transitions, the result and each subscription with deliveries', async () => {
    const transitions = [
      { seq: 1, type: 'task.queued', status: 'queued', percent: 0, at: at - 60_000 },
      { seq: 2, type: 'task.encoding', status: 'encoding', percent: 10, at: at - 30_000 },
      { seq: 3, type: 'task.completed', status: 'completed', percent: 100, at },
    ]
    const queries = {
      task: () => ({ ...taskRecord, seq: 3, endedAt: at, transitions }),
      listSubscriptions: () => onePage([{ ...subscriptionRecord, metadata: { job: '7' } }]),
    }
    const page = await (await openDashboard({ overrides: { queries } }).reader()).text(
      `/dashboard/tasks/${token}`,
    )
    expect(page).toContain('queued for 30.0 s, then encoding for 30.0 s, then completed')
    expect(page).toMatch(/<path class="line" d="M0 [\d.]+H500V[\d.]+H1000V[\d.]+H1000"\/>/)
    expect(page).toContain('3 transitions')
    expect(page).toContain('&quot;videos&quot;')
    expect(page).toContain('job=7')
    expect(page).toContain('href="/dashboard/deliveries/dlv_1"')
    // Ended: nothing to stream.
    expect(page).not.toContain('data-stream')
  })

  it('says why a subscription was cancelled', async () => {
    const gone = { ...subscriptionRecord, state: 'cancelled', stateReason: 'gone' } as const
    const queries = { listSubscriptions: () => onePage([gone]) }
    const { text } = await openDashboard({ overrides: { queries } }).reader()
    const page = await text(`/dashboard/tasks/${token}`)
    expect(page).toContain('The receiver answered 410 Gone')
    expect(page).toContain('<summary>1 transition</summary>')
  })

  it('leads on to the subscriptions that one page does not hold', async () => {
    const cursors: unknown[] = []
    const listSubscriptions = (_owner: number, { cursor }: { cursor: string | null }) => {
      cursors.push(cursor)
      return { data: [subscriptionRecord], nextCursor: 'c2', positions: [] }
    }
    const { text } = await openDashboard({ overrides: { queries: { listSubscriptions } } }).reader()
    const live = liveOf(await text(`/dashboard/tasks/${token}`))
    expect(live).toContain(`href="/dashboard/tasks/${token}?cursor=c2">Older</a>`)
    await text(`/dashboard/tasks/${token}?cursor=c2`)
    expect(cursors).toEqual([null, 'c2'])
  })

  it('has a stream of its own while the task goes on, passed through from the API', async () => {
    const queries = {
      task: () => ({ ...taskRecord, status: 'encoding', endedAt: null }),
      streamState: () => ({ lastSeq: 7, watching: false }),
    }
    const { text, get } = await openDashboard({ overrides: { queries } }).reader()
    expect(await text(`/dashboard/tasks/${token}`)).toContain(
      `data-stream="/dashboard/tasks/${token}/events?after=7"`,
    )
    expect((await get(`/dashboard/tasks/${token}/events?after=7`)).status).toBe(204)
    const stream = await get(`/dashboard/tasks/${token}/events?after=5`)
    expect(stream.headers.get('content-type')).toBe('text/event-stream')
    expect(await stream.text()).toContain(': open')
  })

  it('lets go of the stream when the reader leaves', async () => {
    let listeners = 0
    const transitions = {
      subscribe: () => {
        listeners += 1
        return () => {
          listeners -= 1
        }
      },
    }
    const queries = { streamState: () => ({ lastSeq: 7, watching: true }) }
    const { get } = await openDashboard({ overrides: { queries, deps: { transitions } } }).reader()
    const stream = await get(`/dashboard/tasks/${token}/events?after=7`)
    const reading = stream.body!.getReader()
    await reading.read()
    expect(listeners).toBe(1)
    await reading.cancel()
    expect(listeners).toBe(0)
  })

  it('shows a task without any news', async () => {
    const task = {
      ...taskRecord,
      status: null,
      percent: null,
      endedAt: null,
      resultJson: null,
      transitions: [],
    }
    const queries = { task: () => task, listDeliveries: none }
    const overrides = { queries, commands: { polledAt: () => null } }
    const page = await (await openDashboard({ overrides }).reader()).text(`/dashboard/tasks/${token}`)
    expect(page).toContain('waiting')
    expect(page).toContain('Nothing is known yet')
    expect(page).toContain('Nothing was sent yet')
  })

  it('says of a token that upstream does not know what to look at', async () => {
    const unknown = { ...taskRecord, status: null, percent: null, endedAt: null, transitions: [] }
    const page = await taskPage({ ...unknown, resultJson: null }, at)
    expect(page).toContain('Upstream was asked and has told nothing of this token so far.')
    expect(page).not.toContain('Nothing is known yet')
  })

  it('draws no time where the first that was seen is the end, and says what lost means', async () => {
    const transitions = [{ seq: 1, type: 'task.lost', status: 'lost', percent: null, at }]
    const page = await taskPage({ ...taskRecord, status: 'lost', resultJson: null, transitions })
    expect(page).not.toContain('<svg viewBox="0 0 1000')
    expect(page).toContain('task.lost')
    expect(page).toContain('Registered again, it is polled anew.')
  })

  it('lets a long description scroll, by keyboard too', async () => {
    const failed = (description: string) => ({ ...taskRecord, error: { code: 1, description } })
    expect(await taskPage(failed('e'.repeat(5_000)))).toContain(
      '<p class="notice bad long" tabindex="0"><bdi>ee',
    )
    expect(await taskPage(failed('out of luck'))).toContain('<p class="notice bad"><bdi>out of luck</bdi>')
  })
})
