import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

test('the client bundles for a browser and loads where Node’s globals are missing', async () => {
  const { outputFiles } = await build({
    entryPoints: ['src/client/client.ts'],
    bundle: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'pollhook',
    write: false,
  })
  const secret = `whsec_${btoa('x'.repeat(32))}`
  const context = createContext({ Request, Response, Headers, URL, TextEncoder, secret })
  const script = `${outputFiles[0]?.text}
    pollhook.createPollhookClient({ baseUrl: 'https://pollhook.example.com', key: 'k', fetch: () => {} })
    let refusal
    try {
      pollhook.verify('{}', { 'webhook-id': 'a', 'webhook-timestamp': '1', 'webhook-signature': 'v1,x' }, secret)
    } catch (error) {
      refusal = error.message
    }
    refusal`
  expect(runInContext(script, context)).toBe('Message timestamp too old')
})
