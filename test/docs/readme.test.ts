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

const guides = globSync(['README.md', 'docs/guides/*.md', 'docs/deploy-workers.md', 'docs/simulator.md'], {
  cwd: root,
})
const shellOf = (name: string) =>
  [...readFileSync(join(root, name), 'utf8').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(
    ([, code = '']) => code,
  )

it.each(guides)(
  'the shell of %s has no comments: zsh, in which people paste, takes them for arguments',
  (name) => {
    expect(shellOf(name).filter((code) => /(^|\s)#/m.test(code))).toEqual([])
  },
)

it.each(guides)('the bodies that %s sends are JSON', (name) => {
  const bodies = shellOf(name).flatMap((code) =>
    [...code.matchAll(/ -d '([^']*)'/g)].map(([, body = '']) => body),
  )
  if (name.endsWith('register.md')) expect(bodies.length).toBeGreaterThan(2)
  for (const body of bodies) expect(() => JSON.parse(body)).not.toThrow()
})

it('what the README keeps for the next time is read by any shell', () => {
  const [code = ''] = shellOf('README.md').filter((one) => one.includes('pollhook.env'))
  const folder = mkdtempSync(join(tmpdir(), 'pollhook-readme-'))
  const make = spawnSync('sh', ['-ec', code.replace('npm start &', '')], { cwd: folder, encoding: 'utf8' })
  expect(make.stderr).toBe('')
  const names = ['POLLHOOK_KEY', 'POLLHOOK_API_KEYS', 'POLLHOOK_SECRET']
  const read = spawnSync('sh', ['-ec', 'set -a; . ./pollhook.env; set +a; env'], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  })
  for (const name of names) expect(read.stdout).toMatch(new RegExp(`^${name}=\\S{24,}$`, 'm'))
  rmSync(folder, { recursive: true })
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
