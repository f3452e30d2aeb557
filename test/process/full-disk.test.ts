/** The real binary on a file that cannot grow: what is refused is refused clearly, what was promised is kept. */

import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { expect, it } from 'vitest'
import { openWorld, startRelay } from '../support/relay-process.ts'

/** From util-linux: changes the largest size of a file that a running process may write. */
const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0
if (!hasPrlimit) process.stdout.write('skipped: prlimit is not here (util-linux)\n')

it.skipIf(!hasPrlimit)(
  'a full disk answers 503, loses nothing, and is over when there is room again',
  async () => {
    const asked = new Map<string, number>()
    let done = false
    const world = await openWorld((token) => {
      asked.set(token, (asked.get(token) ?? 0) + 1)
      return { status: done ? 'completed' : 'encoding', error: 0 }
    })
    const relay = await startRelay(world.env)
    const { secrets } = (await (await relay.call('GET', '/v1/signing-secret')).json()) as {
      secrets: { secret: string }[]
    }
    world.setSecret(secrets[0]!.secret)
    const register = async () => {
      const token = randomBytes(16).toString('hex')
      const body = { task_token: token, callback_url: world.callbackUrl('/hook') }
      return { token, answer: await relay.call('POST', '/v1/subscriptions', body) }
    }
    const first = await register()
    expect(first.answer.status).toBe(201)
    await world.until(() => world.received.length === 1)

    const grown = statSync(`${world.env.POLLHOOK_DB}-wal`).size
    execFileSync('prlimit', ['--pid', String(relay.pid), `--fsize=${grown}:unlimited`])
    done = true
    const refused = await register()
    expect(refused.answer.status).toBe(503)
    expect(await refused.answer.json()).toMatchObject({ code: 'unavailable', status: 503 })
    expect(refused.answer.headers.get('retry-after')).not.toBeNull()
    expect((await relay.call('GET', '/v1/subscriptions')).status).toBe(200)
    const polls = asked.get(first.token)!
    await expect.poll(() => asked.get(first.token), { timeout: 10_000 }).toBeGreaterThan(polls + 1)
    expect(world.received).toHaveLength(1)
    // Nothing else that is scraped would tell: it is ready, asks upstream, and is late with nothing that it knows.
    const metrics = await (await relay.call('GET', '/metrics')).text()
    expect(metrics).toMatch(/^pollhook_write_failures_total\{what="registrations"\} [1-9]/m)
    expect(metrics).toMatch(/^pollhook_write_failures_total\{what="polls"\} [1-9]/m)
    expect(metrics).toMatch(/^pollhook_ready 1$/m)

    execFileSync('prlimit', ['--pid', String(relay.pid), '--fsize=unlimited'])
    await world.until(() => world.received.some(({ type }) => type === 'task.completed'))
    const later = await register()
    expect(later.answer.status).toBe(201)
    await world.until(() => world.received.some(({ token }) => token === later.token))
    expect(world.received.map(({ token, seq }) => [token, seq])).toEqual([
      [first.token, 1],
      [first.token, 2],
      [later.token, 1],
    ])
    expect(world.refused).toEqual([])
  },
)
