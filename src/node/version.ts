/** The version of this Pollhook, from package.json. */
import { createRequire } from 'node:module'

// By the package's own name: the bundle is not where the source was.
export const { version } = createRequire(import.meta.url)('pollhook/package.json') as { version: string }
