import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** For a program that must be told its port: free a moment ago, and seldom taken by another in between. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
