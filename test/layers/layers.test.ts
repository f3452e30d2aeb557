/**
 * The layer table holds because the tools refuse what breaks it. Every kind of violation is written into an
 * empty project under the real configuration, and must be found there.
 */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allowed, violations } from './violations.ts'

const root = join(import.meta.dirname, '../..')
const run = promisify(execFile)

interface Diagnostic {
  category: string
  location: { path: string }
}

let folder: string
let diagnostics: Diagnostic[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pollhook-layers-'))
  for (const file of [
    'biome.json',
    '.gitignore',
    'tsconfig.base.json',
    'src/tsconfig.json',
    'test/layers/clock.grit',
  ]) {
    await cp(join(root, file), join(folder, file))
  }
  for (const [path, code] of new Map([...groupedViolations(), ...Object.entries(allowed)]))
    await write(path, code)
  diagnostics = await lint()
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Several violations may share a file. */
function groupedViolations(): Map<string, string> {
  const files = new Map<string, string>()
  for (const { path, code } of violations) files.set(path, (files.get(path) ?? '') + code)
  return files
}

async function write(path: string, code: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), code)
}

async function lint(): Promise<Diagnostic[]> {
  const biome = join(root, 'node_modules/@biomejs/biome/bin/biome')
  const args = [biome, 'lint', '--reporter=json', '--max-diagnostics=none', '.']
  const failed = await run(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 26 }).then(
    () => null,
    (error: { stdout: string }) => error,
  )
  return (JSON.parse(failed?.stdout ?? '{"diagnostics":[]}') as { diagnostics: Diagnostic[] }).diagnostics
}

function countOf(path: string, rule: string): number {
  return diagnostics.filter(({ category, location }) => category === rule && location.path === path).length
}

describe('the linter', () => {
  it.each(violations)('refuses $breaks', ({ path, rule }) => {
    const expected = violations.filter((one) => one.path === path && one.rule === rule).length
    expect(countOf(path, rule)).toBe(expected)
  })

  it.each(Object.keys(allowed))('lets %s do what its layer may', (path) => {
    expect(diagnostics.filter(({ location }) => location.path === path)).toEqual([])
  })
})

it.each([
  ['process', 'export const x = process.pid\n'],
  ['Buffer', "export const x = Buffer.from('x')\n"],
  ['node:fs', "export { readFileSync } from 'node:fs'\n"],
])('the compiler knows no %s in portable code', async (name, code) => {
  const project = join(folder, `compiler-${name.replace(':', '-')}`)
  await cp(join(root, 'tsconfig.base.json'), join(project, 'tsconfig.base.json'))
  await cp(join(root, 'src/tsconfig.json'), join(project, 'src/tsconfig.json'))
  await writeFile(join(project, 'src/portable.ts'), code)
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const compiled = run(process.execPath, [tsc, '-p', join(project, 'src'), '--outDir', join(project, 'out')])
  await expect(compiled).rejects.toMatchObject({ stdout: expect.stringContaining(`'${name}'`) })
})
