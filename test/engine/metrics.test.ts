/** What /metrics counts, over a relay that does each thing once. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { createMetrics } from '../../src/metrics.ts'
import { minute, newToken, openWorld, second } from './world.ts'

it('counts every delivery that is made: of changes, of the state at registration, of expiry, of tests', async () => {
  const metrics = createMetrics(() => 0)
  const world = openWorld({}, { observer: metrics.observer })
  const taskToken = newToken()
  const first = await world.register({ taskToken, expiresInMs: 5 * minute })
  await world.run(second)
  await world.register({ taskToken, callbackUrl: 'https://late.example.com/' })
  await world.after(world.relay().commands.sendTest(world.ownerId, first.id))
  await world.run(10 * minute)
  const types = world.sent.map(({ type }) => type).sort()
  expect(types).toEqual(['pollhook.test', 'task.encoding', 'task.encoding', 'task.expired'])
  const text = await metrics.text()
  expect(text).toMatch(/^pollhook_deliveries_created_total 4$/m)
  expect(text).toMatch(/^pollhook_deliveries_finished_total\{state="delivered"\} 4$/m)
  expect(text).toMatch(/^pollhook_attempts_total\{outcome="accepted"\} 4$/m)
  expect(text).toMatch(/^pollhook_changes_total\{kind="status"\} 1$/m)
})

it('has every series of a counter from the start, at 0, and makes no other', async () => {
  const metrics = createMetrics(() => 0)
  const seriesOf = async () =>
    (await metrics.text()).match(/^pollhook_\w+_total\S* /gm)?.map((series) => series.trim()) ?? []
  const before = await seriesOf()
  expect(before).toContain('pollhook_deliveries_finished_total{state="exhausted"}')
  expect(before).toContain('pollhook_polls_total{host="master",outcome="too_large"}')
  expect(await metrics.text()).not.toMatch(/^pollhook_\w+_total\S* [^0]/m)
  const world = openWorld({}, { observer: metrics.observer })
  await world.register()
  await world.run(minute)
  expect(await metrics.text()).toMatch(/^pollhook_polls_total\{host="api",outcome="statuses"\} [1-9]/m)
  expect(await seriesOf()).toEqual(before)
})

it('says nothing of owners, tokens and callback hosts', async () => {
  const metrics = createMetrics(() => 0)
  const world = openWorld({}, { observer: metrics.observer })
  metrics.watch(world.relay(), () => 4096)
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(minute)
  const text = await metrics.text()
  for (const secret of ['acme', taskToken, taskToken.slice(0, 6), 'app.example.com']) {
    expect(text).not.toContain(secret)
  }
  expect(text).toMatch(/^pollhook_tasks_active 1$/m)
  expect(text).toMatch(/^pollhook_database_bytes 4096$/m)
})

it('does not count what was rolled back', async () => {
  const metrics = createMetrics(() => 0)
  const world = openWorld({}, { observer: metrics.observer })
  const sound = await world.register()
  const broken = await world.register()
  world.db.run(
    sql.raw(`create trigger fails before insert on transitions when new.task_token = '${broken.taskToken}'
      begin select raise(abort, 'disk I/O error'); end`),
  )
  await world.run(second)
  expect(world.deliveries(sound)).toHaveLength(1)
  expect(world.deliveries(broken)).toHaveLength(0)
  expect(await metrics.text()).toMatch(/^pollhook_deliveries_created_total 1$/m)
})
