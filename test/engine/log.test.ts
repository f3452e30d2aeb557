/** What the log tells of a task on its way: enough to follow it by, and nothing that lets anybody else. */
import { expect, it } from 'vitest'
import { accepted, openWorld, rejected, second } from './world.ts'

it('a transition and each attempt have a line, the accepted one for who debugs', async () => {
  const lines: Record<string, unknown>[] = []
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    lines.push({ level, message, ...fields })
  }
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
  const world = openWorld({}, { log })
  world.receiver.answer = () => (world.sent.length === 1 ? rejected(500) : accepted)
  const { taskToken } = await world.register({ callbackUrl: 'https://app.example.com/s3cret?key=1' })
  await world.run(10 * second)
  const task = `${taskToken.slice(0, 6)}…`
  expect(lines.filter(({ message }) => message === 'transition')).toEqual([
    { level: 'info', message: 'transition', task, type: 'task.encoding', status: 'encoding', percent: null },
  ])
  const attempt = {
    message: 'attempt',
    task,
    webhook_id: world.sent[0]?.id,
    type: 'task.encoding',
    origin: 'https://app.example.com',
    duration_ms: 0,
  }
  expect(lines.filter(({ message }) => message === 'attempt')).toEqual([
    { ...attempt, level: 'info', attempt: 1, outcome: 'rejected', code: 500, state: 'pending' },
    { ...attempt, level: 'debug', attempt: 2, outcome: 'accepted', code: 204, state: 'delivered' },
  ])
})
