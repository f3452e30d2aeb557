/** The npm package as its user has it: packed, unpacked into an empty folder, dependencies beside it. */
import { type ExecFileException, execFile } from 'node:child_process'
import {
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pollhook, type Run } from '../cli/run.ts'
import { deadLinks } from '../support/links.ts'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'pollhook-package-'))
const installed = join(folder, 'node_modules/pollhook')
const bin = join(installed, 'dist/cli/bin.js')
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

beforeAll(async () => {
  expect(await run('npm', ['pack', '--silent', '--pack-destination', folder], root)).toMatchObject({
    code: 0,
  })
  mkdirSync(installed, { recursive: true })
  // Without its own, Node would take the manifest of a folder above for this project's.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const tarball = join(folder, `pollhook-${manifest.version}.tgz`)
  expect(await run('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed])).toMatchObject({
    code: 0,
  })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name.startsWith('.') || name === 'pollhook') continue
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function run(command: string, args: readonly string[], cwd = folder): Promise<Run> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd }, (error: ExecFileException | null, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
  })
}

test('the tarball has what runs and no sources, tests or keys', () => {
  expect(readdirSync(installed).sort()).toEqual([
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'LICENSE',
    'README.md',
    'dist',
    'docs',
    'migrations',
    'package.json',
  ])
  expect(readdirSync(join(installed, 'dist')).sort()).toEqual([
    'chunks',
    'cli',
    'client',
    'node',
    'node.js',
    'node.js.map',
  ])
})

test('what its pages link to is in it: there is no address where else to look', () => {
  const pages = globSync('{*.md,docs/**/*.md}', { cwd: installed })
  expect(pages).toContain('docs/cli.md')
  expect(pages.flatMap((page) => deadLinks(installed, page))).toEqual([])
})

test('Drizzle is required, not imported: that is half a second of every start', () => {
  const dist = join(installed, 'dist')
  const files = ['node.js', ...readdirSync(join(dist, 'chunks')).map((name) => join('chunks', name))]
  const code = files
    .filter((file) => file.endsWith('.js'))
    .map((file) => readFileSync(join(dist, file), 'utf8'))
  expect(code.join('\n')).toMatch(/createRequire\d*\(import\.meta\.url\)\("drizzle-orm"\)/)
  expect(code.join('\n')).not.toMatch(/(from|import) "drizzle-orm/)
})

test('the command knows its version', async () => {
  expect(await pollhook(['--version'], { bin })).toEqual({ code: 0, out: `${manifest.version}\n`, err: '' })
})

test('an old Node hands over to the one that was installed along', async () => {
  const old =
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } })"
  const args = [`--import=data:text/javascript,${encodeURIComponent(old)}`, bin]
  expect(await run(process.execPath, [...args, '--version'])).toEqual({
    code: 0,
    out: `${manifest.version}\n`,
    err: '',
  })
  expect(await run(process.execPath, [...args, 'frobnicate'])).toMatchObject({ code: 1 })
})

test('a bad configuration is one line per fault and code 1', async () => {
  const env = { POLLHOOK_API_KEYS: 'acme=short', POLLHOOK_SECRET: 'short', PORT: 'x' }
  const { code, out, err } = await pollhook(['serve'], { bin, env })
  expect({ code, out }).toEqual({ code: 1, out: '' })
  expect(err.trimEnd().split('\n')).toHaveLength(3)
})

test('the demo goes through: every job ends and every webhook verifies', { timeout: 60_000 }, async () => {
  const { code, out } = await pollhook(['demo', '--exit', '--speed', '5'], { bin })
  expect(out).toContain('3 of 3 jobs ended')
  expect(code).toBe(0)
})

test('the relay serves the pages that come from its dependencies', async () => {
  const statuses: Record<string, number> = {}
  const { code, out: lines } = await pollhook(['serve'], {
    bin,
    env: {
      PORT: '0',
      POLLHOOK_DB: join(folder, 'data/pollhook.db'),
      POLLHOOK_API_KEYS: 'acme=a-key-of-at-least-24-characters',
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
    },
    meanwhile: {
      at: '"listening"',
      async act({ out }) {
        const url = /"url":"([^"]+)"/.exec(out)?.[1] ?? ''
        for (const path of [
          '/docs',
          '/docs/swagger-ui-bundle.js',
          '/dashboard',
          '/dashboard/assets/idiomorph.js',
          '/openapi.json',
        ]) {
          const response = await fetch(`${url}${path}`)
          await response.arrayBuffer()
          statuses[path] = response.status
        }
      },
    },
  })
  expect(code).toBe(0)
  expect(new Set(Object.values(statuses))).toEqual(new Set([200]))
  expect(Object.keys(statuses)).toHaveLength(5)
  // Its thread is a file of its own in the bundle.
  expect(lines).not.toContain('checkpoint')
})

test('pollhook/client can be imported, and its types stand beside it', async () => {
  const script = "const { verify } = await import('pollhook/client'); console.log(typeof verify)"
  expect(await run(process.execPath, ['--input-type=module', '-e', script])).toMatchObject({
    code: 0,
    out: 'function\n',
  })
  const types = readFileSync(join(installed, 'dist/client/client.d.ts'), 'utf8')
  expect(types).toContain("from './schema.js'")
  expect(readdirSync(join(installed, 'dist/client'))).toContain('schema.d.ts')
})
