/**
 * Bundles what the npm package runs: Node strips no types below `node_modules`. Dependencies stay outside, so npm
 * installs them and the native one finds its binary; every file of the client stands alone beside its types.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')
const require = createRequire(import.meta.url)
const out = process.argv[2] ?? join(root, 'dist')

/**
 * Node parses Drizzle's package.json, 179 KB of exports, anew for each of its 125 modules when they are imported:
 * 0.5 s of 0.9 that the relay takes to load. `require` loads the same package's CommonJS files in 0.1 s.
 */
const requireDrizzle: Plugin = {
  name: 'require-drizzle',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^drizzle-orm(\/|$)/ }, ({ path }) => ({ path, namespace: 'require-drizzle' }))
    onLoad({ filter: /.*/, namespace: 'require-drizzle' }, ({ path }) => {
      const names = Object.keys(require(path) as object)
      const required = `createRequire(import.meta.url)(${JSON.stringify(path)})`
      return {
        contents: `import { createRequire } from 'node:module'\nexport const { ${names.join()} } = ${required}`,
      }
    })
  },
}

const common = {
  absWorkingDir: root,
  outbase: 'src',
  outdir: out,
  bundle: true,
  format: 'esm',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
} satisfies BuildOptions

for (const made of ['cli', 'chunks', 'client', 'node', 'node.js', 'node.js.map']) {
  rmSync(join(out, made), { recursive: true, force: true })
}
await build({
  ...common,
  platform: 'node',
  target: 'node20',
  // The relay is a file of its own, so that the other commands start without the database driver.
  entryPoints: ['src/cli/bin.ts', 'src/cli/pollhook.ts', 'src/node.ts', 'src/node/checkpoint-thread.ts'],
  plugins: [requireDrizzle],
  splitting: true,
  chunkNames: 'chunks/[name]-[hash]',
})
await build({ ...common, platform: 'neutral', target: 'es2022', entryPoints: ['src/client/client.ts'] })

const types = spawnSync(
  'tsc',
  [
    'src/client/client.ts',
    '--ignoreConfig',
    '--declaration',
    '--emitDeclarationOnly',
    '--rewriteRelativeImportExtensions',
    '--target',
    'es2022',
    '--module',
    'nodenext',
    '--skipLibCheck',
    '--strict',
    '--types',
    '',
    '--lib',
    'es2024,webworker',
    '--rootDir',
    'src',
    '--outDir',
    out,
  ],
  { cwd: root, stdio: 'inherit', shell: false },
)
if (types.status !== 0) process.exit(1)

// tsc leaves the endings of declarations' imports as they are in the source.
const declarations = join(out, 'client/client.d.ts')
writeFileSync(declarations, readFileSync(declarations, 'utf8').replaceAll(".ts';", ".js';"))
