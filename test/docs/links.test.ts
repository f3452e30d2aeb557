/** Every relative link and picture of the README and docs/ leads to a file and a heading that are there, and no text to one that is not. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { deadLinks } from '../support/links.ts'

const root = join(import.meta.dirname, '../..')
const pages = [...globSync('*.md', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root })]

it.each(pages)('%s', (page) => {
  expect(deadLinks(root, page)).toEqual([])
  // Kept apart from the repository: one page says where it has the same.
  if (page !== 'docs/architecture.md')
    expect(readFileSync(join(root, page), 'utf8')).not.toMatch(/\b(CONTRACT|DESIGN)\b/)
})
