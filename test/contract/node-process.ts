/** Pollhook in a process of its own, for tests that end it between any two instructions. */
import { startNode } from '../../src/node.ts'

const relay = await startNode(process.env, () => {})
process.send?.(relay.url)
process.once('message', () => void relay.stop().then(() => process.exit(0)))
