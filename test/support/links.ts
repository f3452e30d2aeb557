/** The relative links and pictures of a page in Markdown. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @returns those that lead to no file or folder */
export function deadLinks(root: string, page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  const targets = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = '']) => target)
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !existsSync(join(root, dirname(page), target)))
}
