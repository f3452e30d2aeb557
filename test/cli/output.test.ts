import { afterEach, expect, test, vi } from 'vitest'
import { colorsFor } from '../../src/cli/output.ts'

afterEach(() => vi.unstubAllEnvs())

test.each([
  ['a terminal has colours', true, '', true],
  ['a terminal under NO_COLOR has none', true, '1', false],
  ['a pipe has none', false, '', false],
])('%s', (_where, isTTY, noColor, isColored) => {
  vi.stubEnv('NO_COLOR', noColor)
  expect(colorsFor({ isTTY } as NodeJS.WriteStream).red('no') !== 'no').toBe(isColored)
})
