/** docs/delivery.md names a test for each clause of the delivery promise: each of them exists. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const page = readFileSync(join(root, 'docs/delivery.md'), 'utf8')
const rows = page.split('\n').filter((line) => /^\| [2-4](\.\d)? /.test(line))
const named = rows.flatMap((row) =>
  [...row.matchAll(/`(test\/[^`]+)`: ((?:"[^"]+"(?:, )?)+)/g)].flatMap(([, file = '', titles = '']) =>
    [...titles.matchAll(/"([^"]+)"/g)].map(([, name = '']) => ({ file, name })),
  ),
)

it('every clause has a test', () => {
  expect(rows.filter((row) => !row.includes('`test/'))).toEqual([])
  const clauses = new Set(rows.map((row) => row.split(' ')[1]))
  for (let n = 1; n <= 9; n++) expect(clauses).toContain(`4.${n}`)
})

it.each(named)('$file has "$name"', ({ file, name }) => {
  expect(readFileSync(join(root, file), 'utf8')).toContain(`'${name}'`)
})
