/** A process whose stdout is a pipe that nobody reads, as behind a shipper of logs that stalls. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { expect, it } from 'vitest'
import { createLineWriter } from '../../src/node/log-lines.ts'

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

it('what a full disk does not take is counted, and told once there is room', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-log-'))
  const fd = openSync(join(folder, 'log'), 'w')
  const stream = Object.assign(
    new Writable({ write: (_chunk, _encoding, done) => done(new Error('full')) }),
    { fd },
  )
  const write = createLineWriter(stream)
  write('lost\n')
  await once(stream, 'error')
  // A file that cannot be written to.
  const readOnly = openSync(join(folder, 'log'), 'r')
  stream.fd = readOnly
  write('lost too\n')
  stream.fd = fd
  write('kept\n')
  write('also kept\n')
  for (const one of [fd, readOnly]) closeSync(one)
  const [empty, told, ...rest] = readFileSync(join(folder, 'log'), 'utf8').split('\n')
  expect(empty).toBe('')
  expect(JSON.parse(told!)).toMatchObject({ level: 'warn', message: 'log lines dropped', lines: 2 })
  expect(rest).toEqual(['kept', 'also kept', ''])
  rmSync(folder, { recursive: true })
})
