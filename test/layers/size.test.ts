/**
 * Small functions, small files. Biome counts a nested function as lines of the outer one, which the verbs of a
 * store share with their prepared statements; here each function is measured without those inside it.
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parseAst } from 'vitest/node'

const root = join(import.meta.dirname, '../..')
const source = join(root, 'src')
const linesMax = { file: 300, function: 70 }
/** One function prepares all statements of a noun, and one composes the relay: lists, not logic. */
const lists = /^(store\/.*|relay)\.ts$/
const listLinesMax = 120
const generated = ['worker-configuration.d.ts', join('client', 'schema.ts')]
const filesOf = (folder: string) =>
  globSync('**/*.ts', { cwd: folder, exclude: ['node_modules'] }).filter((file) => !generated.includes(file))

interface Node {
  type: string
  start: number
  end: number
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'
const isFunction = (node: Node) =>
  /^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)

/** Functions in `node`, without those inside them. */
function functionsIn(node: Node): Node[] {
  const children = Object.values(node).flat().filter(isNode)
  return children.flatMap((child) => (isFunction(child) ? [child] : functionsIn(child)))
}

function longFunctions(file: string): string[] {
  const text = readFileSync(join(source, file), 'utf8')
  const lineOf = (offset: number) => text.slice(0, offset).split('\n').length
  const lines = (node: Node) => lineOf(node.end) - lineOf(node.start) + 1
  const visit = (node: Node): string[] => {
    const inner = functionsIn(node)
    // A nested function leaves one line, its name, in the outer one.
    const own = lines(node) - inner.reduce((sum, one) => sum + lines(one) - 1, 0)
    const long = isFunction(node) && own > (lists.test(file) ? listLinesMax : linesMax.function)
    return [...(long ? [`${file}:${lineOf(node.start)} ${own} lines`] : []), ...inner.flatMap(visit)]
  }
  return visit(parseAst(text, { lang: 'ts' }) as unknown as Node)
}

it.each(['src', 'test', 'bench', '.ci'])('no file of %s is longer than 300 lines', (name) => {
  const folder = join(root, name)
  const files = filesOf(folder)
  const long = files.filter((file) => {
    return readFileSync(join(folder, file), 'utf8').trimEnd().split('\n').length > linesMax.file
  })
  expect(files).not.toEqual([])
  expect(long).toEqual([])
})

it('no function of src has more than 70 lines of its own', () => {
  expect(filesOf(source).flatMap(longFunctions)).toEqual([])
})
