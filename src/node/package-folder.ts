/** Where Pollhook's own files lie. By the package's own name: the bundle is not where the source was. */
import { createRequire } from 'node:module'
import { dirname } from 'node:path'

export const packageFolder = dirname(createRequire(import.meta.url).resolve('pollhook/package.json'))
