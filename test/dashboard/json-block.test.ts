/** JSON of upstream and receivers, as pages show it. */
import { expect, it } from 'vitest'
import { jsonBlock } from '../../src/dashboard/parts.ts'

const nested = (levels: number, items: number) =>
  `${'['.repeat(levels)}${Array(items).fill('1').join(',')}${']'.repeat(levels)}`
const shown = async (text: string) => String(await jsonBlock('Result', JSON.parse(text)))

it('is indented', async () => {
  expect(await shown('{"a":[1]}')).toContain('{\n  &quot;a&quot;: [\n    1\n')
})

it('what is nested deeply takes about as much room as it came with', async () => {
  const text = nested(900, 5_000)
  expect((await shown(text)).length).toBeLessThan(2 * text.length)
})

it('what V8 cannot write any more is not shown, and no fault', async () => {
  expect(await shown(nested(100_000, 1))).toContain('Nested too deeply to be shown here')
})

it('what turns the direction of writing turns nothing around it, and is there to be read', async () => {
  const text = JSON.stringify({ name: '\u202eabc', other: '\u2067', emoji: '👩‍💻' })
  const page = await shown(text)
  expect(page).toContain('&quot;\\u202eabc&quot;')
  expect(page).toContain('&quot;\\u2067&quot;')
  expect(page).toContain('👩‍💻')
})
