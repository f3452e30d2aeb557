/** Bars on a terminal of a given width, which shows what its width lets it. */
import { PassThrough, Writable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { createBars } from '../../src/cli/bars.ts'

const names = ['1813cea0a63920b58c043181a9bd0336', '720299725558522534a138f76dc19410']
const green = (text: string) => `\u001b[32m${text}\u001b[39m`

/** What stands there at the end, line by line, with its colours. */
function lastLines(columns: number, status: string): string[] {
  let written = ''
  const terminal = new Writable({
    write(chunk, _encoding, done) {
      written += String(chunk)
      done()
    },
  })
  const stream = Object.assign(terminal, { isTTY: true, columns }) as unknown as NodeJS.WriteStream
  const bars = createBars(stream, { names, status: 'waiting' })!
  for (const name of [...names, 'somebody else']) bars.update(name, { percent: 100, status })
  bars.line('a line that goes by')
  bars.stop()
  expect(written).toContain('a line that goes by\n')
  // What stood there before was wiped (ED, ECMA-48 §8.3.39).
  return written.split('\u001b[0J').at(-1)?.trimEnd().split('\n') ?? []
}

test.each([40, 64, 80, 200])(
  'on %i columns the name, the percent and the status are all there',
  (columns) => {
    const lines = lastLines(columns, green('downloading'))
    expect(lines).toHaveLength(2)
    lines.forEach((line, index) => {
      const shown = stripVTControlCharacters(line)
      expect(shown.length).toBeLessThanOrEqual(columns)
      expect(shown).toMatch(new RegExp(`^  ${names[index]?.slice(0, 6)}\\w* █{8,30} 100\\.0% downloading$`))
    })
  },
)

test('the last lines say the whole reason, and leave no colour on', () => {
  const reason = green(`error  ${'moov atom not found '.repeat(9)}`)
  for (const line of lastLines(80, reason)) expect(line.endsWith(reason)).toBe(true)
})

test.each([
  ['no terminal', {}],
  ['a terminal of two rows', { isTTY: true, columns: 80, rows: 2 }],
])('two bars have no place on %s', (_name, terminal) => {
  const stream = Object.assign(new PassThrough(), terminal) as unknown as NodeJS.WriteStream
  expect(createBars(stream, { names, status: 'waiting' })).toBeNull()
  expect(stream.writableLength).toBe(0)
})

test.each([-1_000, -0.4, 100.4, 5_000])(
  'whatever upstream says, %d percent too, a bar is drawn',
  (percent) => {
    let written = ''
    const terminal = new Writable({
      write(chunk, _encoding, done) {
        written += String(chunk)
        done()
      },
    })
    const stream = Object.assign(terminal, { isTTY: true, columns: 80 }) as unknown as NodeJS.WriteStream
    const bars = createBars(stream, { names, status: 'waiting' })!
    bars.update(names[0]!, { percent, status: 'encoding' })
    bars.stop()
    expect(written).toContain('encoding')
  },
)
