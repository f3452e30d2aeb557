/** A process whose stdout is a pipe that nobody reads, as behind a shipper of logs that stalls. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'

const source = join(import.meta.dirname, '../../src/node/log-lines.ts')

/** 10 MB of lines, each with its number, then what of them waits in memory, then whatever else comes. */
const program = `
  import { createLineWriter } from ${JSON.stringify(source)}
  const write = createLineWriter(process.stdout)
  for (let n = 0; n < 10_000; n++) write(JSON.stringify({ n, text: 'x'.repeat(1_000) }) + '\\n')
  process.send(process.stdout.writableLength)
  process.once('message', () => {
    write(JSON.stringify({ n: 'last' }) + '\\n')
    process.disconnect()
  })
`

it('lines that nobody reads take a bounded part of memory, and how many were dropped is told', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  const [waitingBytes] = (await once(child, 'message')) as [number]
  expect(waitingBytes).toBeGreaterThan(2 ** 20 - 1)
  expect(waitingBytes).toBeLessThan(2 ** 20 + 2_000)

  const lines: { n?: number | 'last'; message?: string; lines?: number }[] = []
  for await (const line of createInterface({ input: child.stdout! })) {
    lines.push(JSON.parse(line))
    if (lines.at(-1)?.message !== undefined) child.send('go on')
  }
  const [dropped, ...more] = lines.filter(({ message }) => message !== undefined)
  expect(dropped).toMatchObject({ level: 'warn', message: 'log lines dropped' })
  expect(more).toEqual([])
  const numbered = lines.filter(({ n }) => typeof n === 'number')
  expect(numbered.map(({ n }) => n)).toEqual(numbered.map((_, i) => i))
  expect(numbered.length + dropped!.lines!).toBe(10_000)
  expect(lines.at(-1)).toEqual({ n: 'last' })
})
