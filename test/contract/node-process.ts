/** Pollhook in a process of its own, for tests that end it between any two instructions. */
import type * as node from '../../src/node.ts'
import { builtNode } from '../support/built.ts'

const { startNode } = (await import(builtNode)) as typeof node
const relay = await startNode(process.env, () => {})
process.send?.(relay.url)
process.once('message', () => void relay.stop().then(() => process.exit(0)))
