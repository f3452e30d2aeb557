/** Every relative link and picture of the README and docs/ leads to a file that is there, and no text to one that is not. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const pages = [...globSync('*.md', { cwd: root }), ...globSync('docs/**/*.md', { cwd: root })]

it.each(pages)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8')
  const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target)
  const relative = targets.filter((target) => !/^[a-z]+:/.test(target))
  expect(relative.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
  // Kept apart from the repository.
  expect(text).not.toMatch(/\b(CONTRACT|DESIGN)\b/)
})
