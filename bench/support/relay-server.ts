/** The real relay as `pollhook serve` starts it, in a process of its own, configured by its environment. */
import { startNode } from '../../src/node.ts'

const relay = await startNode(process.env, () => {})
process.send?.({ url: relay.url })
process.once('message', () => {
  process.send?.({ cpu: process.cpuUsage(), memory: process.memoryUsage() })
  void relay.stop().then(() => process.exit(0))
})
