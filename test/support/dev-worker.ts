/** `npm run dev:worker`: the Worker in workerd, with the simulator as upstream and generated keys. */
import { randomBytes } from 'node:crypto'
import { formatSigningSecret } from '../../src/core/signature.ts'
import { createSimulator } from '../../src/simulator/simulator.ts'
import { endOnSignal, setUpWorker, startWorker } from './worker-process.ts'

const simulator = await createSimulator({ masters: 2, durationMs: 60_000 })
const setup = setUpWorker(simulator.url, {
  POLLHOOK_SHARDS: process.env.POLLHOOK_SHARDS ?? '2',
  LOG_LEVEL: process.env.LOG_LEVEL ?? 'info',
})
endOnSignal(() => {
  setup.remove()
  return 0
})
const port = Number(process.env.PORT ?? 8787)
const worker = await startWorker(setup, {
  port,
  onOutput: (text) => process.stdout.write(text),
}).catch((error: Error) => {
  process.stderr.write(
    `\n${error.message.split(':')[0]}. Where port ${port} is taken, PORT=8788 npm run dev:worker takes another.\n`,
  )
  process.exit(1)
})
const { taskToken } = simulator.createJob()
// Known before the registration, so that either may come first.
const secret = formatSigningSecret(randomBytes(32))
const callbackPort = 8091
const body = JSON.stringify({
  task_token: taskToken,
  callback_url: `http://127.0.0.1:${callbackPort}/webhooks`,
  secret,
})
process.stdout.write(`
Pollhook   ${worker.url}   (docs: ${worker.url}/docs)
upstream   ${simulator.url}
API key    ${setup.apiKey}

A job is running. Receive its webhooks in another terminal:

  npm exec -c 'node src/cli/pollhook.ts listen --port ${callbackPort} --secret ${secret}'

and register it in a third:

  curl ${worker.url}/v1/subscriptions -H 'authorization: Bearer ${setup.apiKey}' \\
    -H 'content-type: application/json' \\
    -d '${body}'
\n`)
