import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { listenFault } from '../../src/node/listen-fault.ts'
import { startNode } from '../../src/node.ts'

const start = (env: Record<string, string>) =>
  startNode(
    {
      POLLHOOK_DB: ':memory:',
      POLLHOOK_API_KEYS: 'acme=a-key-for-the-listen-tests',
      POLLHOOK_SECRET: Buffer.alloc(32, 7).toString('base64'),
      PORT: '0',
      ...env,
    },
    () => {},
  )

// RFC 6761 §6.4: `.invalid` is never resolved; RFC 5737: 192.0.2.0/24 is nobody's.
it.each([
  ['nohost.invalid', /^HOST is "nohost\.invalid", a name without an address \(E\w+\); for example HOST=127/],
  ['192.0.2.1', /^HOST is "192\.0\.2\.1", not an address of this machine \(\w+\); for example HOST=127/],
])('HOST=%s is the fault of HOST', async (HOST, fault) => {
  await expect(start({ HOST })).rejects.toMatchObject({ faults: [expect.stringMatching(fault)] })
})

it('a signing key whose halves do not belong together is the fault of POLLHOOK_SIGNING_KEY', async () => {
  const POLLHOOK_SIGNING_KEY = `whsk_${Buffer.alloc(64, 1).toString('base64')}`
  await expect(start({ POLLHOOK_SIGNING_KEY })).rejects.toMatchObject({
    faults: [expect.stringMatching(/^POLLHOOK_SIGNING_KEY has a public half .*; for example /)],
  })
})

it('a port that is in use is named, with another one', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as { port: number }
  await expect(start({ PORT: String(port) })).rejects.toMatchObject({
    faults: [
      expect.stringMatching(`^PORT is ${port}, in use on 127.0.0.1: .*; for example PORT=(?!${port})`),
    ],
  })
  other.close()
})

// Whoever runs this may have the privileges.
it('a port below 1024 without privileges is the fault of PORT', () => {
  const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES', syscall: 'listen' })
  expect(listenFault(error, { host: '0.0.0.0', port: 80 })).toBe(
    'PORT is 80, but ports below 1024 need privileges; for example PORT=8080',
  )
})
