/**
 * Writes what is made from the OpenAPI document: the client's types and docs/api.md. With `--check` it writes
 * nothing and fails when one of them is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { testApp } from '../test/http/support.ts'
import { apiPage } from './docs-page.ts'
import type { Document } from './docs-schema.ts'
import { clientTypes } from './docs-types.ts'

const root = join(import.meta.dirname, '..')
const document = (await (await testApp().app.request('/openapi.json')).json()) as Document
const files: Record<string, string> = {
  'src/client/schema.ts': clientTypes(document),
  'docs/api.md': apiPage(document),
}

for (const [name, text] of Object.entries(files)) {
  const path = join(root, name)
  if (!process.argv.includes('--check')) writeFileSync(path, text)
  else if (readIfThere(path) !== text) {
    process.stderr.write(`${name} is stale: npm run docs\n`)
    process.exitCode = 1
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null
  }
}
