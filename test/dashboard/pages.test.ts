import { describe, expect, it } from 'vitest'
import { at, deliveryRecord, endpointRecord, subscriptionRecord, taskRecord, token } from '../http/support.ts'
import { liveOf, openDashboard } from './support.ts'

const tokenOf = (n: number) => n.toString(16).padStart(32, '0')
const taskAt = (n: number, status: string) => ({
  ...taskRecord,
  taskToken: tokenOf(n),
  status,
  percent: n,
  endedAt: status === 'encoding' ? null : at,
})
/** @param polledAt of the schedule, which is not stored */
async function taskPage(task: typeof taskRecord, polledAt: number | null = null): Promise<string> {
  const overrides = { queries: { task: () => task }, commands: { polledAt: () => polledAt } }
  const { text } = await openDashboard({ overrides }).reader()
  return text(`/dashboard/tasks/${token}`)
}
const onePage = <T>(data: T[]) => ({ data, nextCursor: null, positions: [] })
const none = () => onePage<never>([])

describe('tasks', () => {
  it('lists tasks with their state in words, a bar and times', async () => {
    const { text, get } = await openDashboard().reader()
    expect((await get('/dashboard')).headers.get('location')).toBe('/dashboard/tasks')
    const page = await text('/dashboard/tasks')
    expect(page).toContain(`href="/dashboard/tasks/${token}"`)
    expect(page).toContain('<span class="pill ok">completed</span>')
    expect(page).toMatch(/<progress [^>]*max="100" value="100\.0"/)
    expect(page).toContain('<time datetime="2026-11-23T09:59:59.998Z"')
  })

  it('says what to do where there is nothing yet', async () => {
    const queries = { listTasks: none, listDeliveries: none, listEndpoints: none }
    const { text } = await openDashboard({ overrides: { queries } }).reader()
    expect(await text('/dashboard/tasks')).toContain('No tasks yet')
    expect(await text('/dashboard/deliveries')).toContain('No deliveries yet')
    expect(await text('/dashboard/endpoints')).toContain('No endpoints yet')
    expect(await text('/dashboard/tasks?show=failed')).toContain('No task fits')
    expect(await text('/dashboard/deliveries?state=exhausted')).toContain('No delivery fits')
  })

  it.each([
    ['active', [1, 4]],
    ['completed', [2]],
    ['failed', [3]],
    ['cancelled', []],
  ])('filters by %s', async (show, expected) => {
    const rows = [taskAt(1, 'encoding'), taskAt(2, 'completed'), taskAt(3, 'failed'), taskAt(4, 'encoding')]
    const { text } = await openDashboard({
      overrides: { queries: { listTasks: () => onePage(rows) } },
    }).reader()
    const page = await text(`/dashboard/tasks?show=${show}`)
    const shown = rows.filter(({ taskToken }) => page.includes(`id="task-${taskToken}"`))
    expect(shown.map(({ percent }) => percent)).toEqual(expected)
  })

  it('lets others have their turn between the pages that it reads', async () => {
    let turns = 0
    let counting = true
    const count = () => {
      turns++
      if (counting) setImmediate(count)
    }
    setImmediate(count)
    const seen: number[] = []
    const listTasks = () => {
      seen.push(turns)
      return { data: [], nextCursor: 'c1', positions: [] }
    }
    const { text } = await openDashboard({ overrides: { queries: { listTasks } } }).reader()
    await text('/dashboard/tasks?q=fff')
    counting = false
    expect(seen).toHaveLength(10)
    expect(new Set(seen).size).toBe(10)
  })

  it('reads on through history for a part of a token, and goes straight to a whole one', async () => {
    const asked: (string | null)[] = []
    const listTasks = (_owner: number, { cursor }: { cursor: string | null }) => {
      asked.push(cursor)
      const n = Number(cursor ?? 0)
      return { data: [taskAt(n, 'encoding')], nextCursor: String(n + 1), positions: [] }
    }
    const { text, get } = await openDashboard({ overrides: { queries: { listTasks } } }).reader()
    const page = await text('/dashboard/tasks?q=0007')
    expect(page).toContain(`id="task-${tokenOf(7)}"`)
    expect(page).not.toContain(`id="task-${tokenOf(6)}"`)
    expect(asked).toEqual([null, '1', '2', '3', '4', '5', '6', '7', '8', '9'])
    expect(page).toContain('href="/dashboard/tasks?q=0007&amp;cursor=10"')
    // Not "No task fits": who can say, with more to look through.
    expect(await text('/dashboard/tasks?q=fff')).toContain('No task fits so far')
    const whole = await get(`/dashboard/tasks?q=${token.toUpperCase()}`)
    expect(whole.headers.get('location')).toBe(`/dashboard/tasks/${token}`)
  })
})

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
})

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
