/** What the README shows can be pasted: variables are set before they are used, TypeScript compiles. CONTRIBUTING is complete. */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')
const blocks = (language: string) =>
  [...readme.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].flatMap(([, name, code = '']) =>
    name === language ? [code] : [],
  )

it('every variable of its shell commands is exported above', () => {
  const shell = blocks('sh').join('\n')
  const used = [...shell.matchAll(/\$\{?(\w+)/g)].map(({ 1: name, index }) => ({ name: name!, index }))
  expect(used.length).toBeGreaterThan(0)
  const unset = used.filter(({ name, index }) => !shell.slice(0, index).includes(`export ${name}=`))
  expect(unset).toEqual([])
})

it('CONTRIBUTING.md names every npm script that a person runs', () => {
  const contributing = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }
  const missing = Object.keys(scripts)
    .filter((name) => name !== 'prepack')
    .filter((name) => !new RegExp(`npm (run )?${name}\\b(?!:)`).test(contributing))
  expect(missing).toEqual([])
})

it('CONTRIBUTING.md names folders that have tests', () => {
  const contributing = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const folders = [...contributing.matchAll(/npm test -- (test\/\S+)/g)].map(([, folder = '']) => folder)
  expect(folders.length).toBeGreaterThan(0)
  const empty = folders.filter((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: root }).length === 0)
  expect(empty).toEqual([])
})

it('its TypeScript compiles under strict', () => {
  const code = blocks('ts').join('\n')
  expect(code).toContain("from 'pollhook/client'")
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-readme-'))
  const file = join(folder, 'snippet.mts')
  const client = join(root, 'src/client/client.ts')
  writeFileSync(file, `declare const token: string\n${code.replace('pollhook/client', client)}`)
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules/@types')]
  const flags = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--allowImportingTsExtensions',
    '--target',
    'es2024',
  ]
  const { stdout } = spawnSync(join(root, 'node_modules/.bin/tsc'), [...flags, ...types, file], {
    encoding: 'utf8',
  })
  rmSync(folder, { recursive: true })
  expect(stdout).toBe('')
})
