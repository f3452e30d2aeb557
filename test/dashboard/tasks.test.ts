/** The list of tasks, by state and by a part of a token; and what each list says while it is empty. */
import { describe, expect, it } from 'vitest'
import { at, taskRecord, token } from '../http/support.ts'
import { none, onePage, openDashboard } from './support.ts'

const tokenOf = (n: number) => n.toString(16).padStart(32, '0')
const taskAt = (n: number, status: string) => ({
  ...taskRecord,
  taskToken: tokenOf(n),
  status,
  percent: n,
  endedAt: status === 'encoding' ? null : at,
})

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
