/** Pollhook on Node in a thread of its own, which can be ended at any moment as a process can. */
import { parentPort, workerData } from 'node:worker_threads'
import { startNode } from '../../src/node.ts'

const relay = await startNode(workerData as Record<string, string>, () => {})
parentPort?.once('message', () => {
  void relay.stop().then(() => parentPort?.close())
})
parentPort?.postMessage(relay.url)
