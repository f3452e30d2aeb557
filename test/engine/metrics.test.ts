/** What /metrics counts, over a relay that does each thing once. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import type { Outcome } from '../../src/core/outcome.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { PollRecord } from '../../src/store/polls.ts'
import { inputOf } from '../contract/store/fixture.ts'
import { accepted, hour, minute, newToken, openWorld, rejected, second, sendTest } from './world.ts'

it('counts every delivery that is made: of changes, of the state at registration, of expiry, of tests', async () => {
  const metrics = createMetrics(() => 0)
  const world = openWorld({}, { observer: metrics.observer })
  const taskToken = newToken()
  const first = await world.register({ taskToken, expiresInMs: 5 * minute })
  await world.run(second)
  await world.register({ taskToken, callbackUrl: 'https://late.example.com/' })
  await sendTest(world, first.id)
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

it('counts commits that failed by what they were to write, and the engine goes on as without the count', async () => {
  const metrics = createMetrics(() => 0)
  const world = openWorld({ POLLHOOK_RETENTION: '1d' }, { observer: metrics.observer })
  const known = await world.register()
  await world.run(second)
  const { commands } = world.relay()
  const tables = ['tasks', 'transitions', 'subscriptions', 'deliveries', 'owners']
  const events = ['insert', 'update', 'delete'] as const
  for (const [i, on] of tables.flatMap((table) => events.map((event) => `${event} on ${table}`)).entries()) {
    world.db.run(
      sql.raw(`create trigger full_${i} before ${on} begin select raise(abort, 'disk is full'); end`),
    )
  }
  await expect(commands.cancelSubscription(world.ownerId, known.id)).rejects.toThrow()
  await expect(commands.rotateSigningSecret(world.ownerId, 0)).rejects.toThrow()
  const refused = expect(commands.subscribe([inputOf(world.ownerId, newToken())])).rejects.toThrow()
  await world.run(0)
  await refused
  await world.change(known.taskToken, { status: 'saving' })
  const text = await metrics.text()
  const failed = text.match(/^pollhook_write_failures_total.*/gm)?.map((line) => line.replace(/.*what=/, ''))
  expect(failed).toEqual([
    expect.stringMatching(/^"polls"\} [1-9]/),
    '"attempts"} 0',
    '"registrations"} 1',
    '"commands"} 2',
    '"maintenance"} 0',
  ])
})

it('counts outcomes that could not be written, and what the relay keeps by itself', async () => {
  const metrics = createMetrics(() => 0)
  const world = openWorld({ POLLHOOK_RETENTION: '1h' }, { observer: metrics.observer })
  const done = await world.register()
  await world.change(done.taskToken, { status: 'completed' })
  world.db.run(
    sql.raw("create trigger kept before delete on deliveries begin select raise(abort, 'disk is full'); end"),
  )
  await world.run(2 * 60 * minute)
  const late = await world.register()
  world.db.run(
    sql.raw("create trigger sent before update on deliveries begin select raise(abort, 'disk is full'); end"),
  )
  await world.change(late.taskToken, { status: 'saving' })
  await world.run(second)
  const text = await metrics.text()
  expect(text).toMatch(/^pollhook_write_failures_total\{what="maintenance"\} [1-9]/m)
  expect(text).toMatch(/^pollhook_write_failures_total\{what="attempts"\} [1-9]/m)
})

it('counts what was cancelled while it was being sent once, and ends that were given up by themselves', async () => {
  const metrics = createMetrics(() => 0)
  const schedules = { POLLHOOK_RETRY_SCHEDULE: '1s', POLLHOOK_RETRY_SCHEDULE_INTERIM: '1s' }
  const world = openWorld(schedules, { observer: metrics.observer })
  const one = await world.register()
  let answer = (_outcome: Outcome) => {}
  world.receiver.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  await world.run(second)
  await world.after(world.relay().commands.cancelSubscription(world.ownerId, one.id))
  answer(rejected(404))
  await world.run(second)
  expect(await metrics.text()).toMatch(/^pollhook_deliveries_finished_total\{state="cancelled"\} 1$/m)
  world.receiver.answer = () => rejected(404)
  const taskToken = newToken()
  await world.register({ taskToken })
  await world.run(minute)
  expect(await metrics.text()).toMatch(/^pollhook_ends_exhausted_total 0$/m)
  await world.change(taskToken, { status: 'completed' })
  await world.run(minute)
  const text = await metrics.text()
  expect(text).toMatch(/^pollhook_deliveries_finished_total\{state="exhausted"\} 2$/m)
  expect(text).toMatch(/^pollhook_ends_exhausted_total 1$/m)
})

it('counts ends that their endpoint kept waiting for too long as given up', async () => {
  const metrics = createMetrics(() => 0)
  const world = openWorld({ POLLHOOK_RETRY_SCHEDULE: '10m,10m,10m' }, { observer: metrics.observer })
  world.receiver.answer = () => rejected(500)
  for (let n = 0; n < 30; n++) {
    const taskToken = newToken()
    world.statuses.set(taskToken, { status: 'completed' })
    await world.register({ taskToken })
  }
  await world.run(6 * hour)
  expect(await metrics.text()).toMatch(/^pollhook_ends_exhausted_total 30$/m)
})

it('a call that upstream refuses for a token is none that fails', async () => {
  const metrics = createMetrics(() => 0)
  const world = openWorld({}, { observer: metrics.observer })
  world.upstream.answer = () => ({ kind: 'error', code: 13, message: null })
  await world.register()
  await world.run(second)
  const text = await metrics.text()
  expect(text).toMatch(/^pollhook_polls_total\{host="api",outcome="refused"\} [1-9]/m)
  expect(text).toMatch(/^pollhook_polls_total\{host="api",outcome="error"\} 0$/m)
})

it('measures calls, attempts and what is late, in seconds', async () => {
  let at = 0
  const metrics = createMetrics(() => at)
  const world = openWorld({}, { observer: metrics.observer })
  metrics.watch(world.relay(), () => 0)
  const honest = world.upstream.answer
  world.upstream.answer = async (origin, tokens) => world.later(300, await honest(origin, tokens))
  world.receiver.answer = () => world.later(2 * second, accepted)
  const made = await Promise.all([world.register(), world.register(), world.register()])
  await world.run(second)
  at = world.deliveries(made[0]!)[0]!.createdAt + 1_500
  const during = await metrics.text()
  expect(during).toMatch(/^pollhook_attempts_in_flight 3$/m)
  expect(during).toMatch(/^pollhook_backlog_seconds 1\.5$/m)
  expect(during).toMatch(/^pollhook_ready 1$/m)
  expect(during).toMatch(/^pollhook_poll_tokens_sum 3$/m)
  expect(during).toMatch(/^pollhook_poll_tokens_count 1$/m)
  expect(during).toMatch(/^pollhook_poll_seconds_sum 0\.3$/m)
  // They waited for company, a part of a second.
  expect(during).toMatch(/^pollhook_poll_lag_seconds_sum 0\.\d+$/m)
  await world.run(2 * second)
  const after = await metrics.text()
  expect(after).toMatch(/^pollhook_attempts_in_flight 0$/m)
  expect(after).toMatch(/^pollhook_backlog_seconds 0$/m)
  for (const name of ['attempt_seconds', 'change_to_accepted_seconds']) {
    expect(after).toMatch(new RegExp(`^pollhook_${name}_sum 6$`, 'm'))
    expect(after).toMatch(new RegExp(`^pollhook_${name}_count 3$`, 'm'))
  }
  await world.relay().stop()
  expect(await metrics.text()).toMatch(/^pollhook_ready 0$/m)
})

it('knows a change by what it is to whoever waits, whatever upstream calls it', async () => {
  const metrics = createMetrics(() => 0)
  const types = ['weird', 'progress', 'stalled', 'resumed', 'lost'].map((word) => `task.${word}`)
  const changes = types.map((type) => ({ type, status: null, percent: null, end: null, error: null }))
  const record = { token: newToken(), changes, queued: [], released: null }
  metrics.observer.recorded([record as unknown as PollRecord], 0)
  const text = await metrics.text()
  for (const kind of ['status', 'progress', 'end', 'stalled', 'resumed']) {
    expect(text).toContain(`pollhook_changes_total{kind="${kind}"} 1\n`)
  }
})
