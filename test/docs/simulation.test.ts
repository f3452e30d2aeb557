/** docs/simulation.md lists every deliberate bug of the simulation beside the rule whose check catches it, and no other. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { mutations } from '../sim/mutations.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/simulation.md'), 'utf8')

it('the table of the mutations is theirs', () => {
  const [, section = ''] = page.split('## The mutations')
  const rows = [...section.matchAll(/^\| ([^|]+) \| ([^|]+) \|$/gm)].slice(1)
  const listed = rows.flatMap(([, rule, names = '']) => names.split('; ').map((name) => `${rule}: ${name}`))
  expect(listed.sort()).toEqual(mutations.map(({ rule, name }) => `${rule}: ${name}`).sort())
})
