/**
 * The bundle that npm and the image run, made once before the tests: what they start as a process is what users start, and
 * is there in a third of the time that the sources take.
 */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')
const built = join(root, 'dist/tests')

export const builtBin = join(built, 'cli/bin.js')
export const builtNode = join(built, 'node.js')

/** Vitest's global set-up. */
export function setup(): void {
  // What is started again and again would compile the same files anew each time.
  process.env.NODE_COMPILE_CACHE = join(built, 'compiled')
  execFileSync(process.execPath, [join(root, '.ci/build.ts'), built], { stdio: 'inherit' })
}
