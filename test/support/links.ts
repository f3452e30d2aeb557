/** The relative links and pictures of a page in Markdown. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @returns those that lead to no file or folder, or to no heading of the page that they name */
export function deadLinks(root: string, page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8')
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target)
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [path = '', heading] = target.split('#')
      const file = path === '' ? join(root, page) : join(root, dirname(page), path)
      return !existsSync(file) || (heading !== undefined && !headingsOf(file).includes(heading))
    })
}

/** As GitHub names them in links. Of two with the same words the second has a number, which no page of ours needs. */
function headingsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```$/gm, '')
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, words = '']) =>
    words
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}
