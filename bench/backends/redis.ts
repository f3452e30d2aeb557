/** A redis-server of its own. */
import { connect } from 'node:net'
import { join } from 'node:path'
import { makeFolder } from '../support/cleanup.ts'
import { type Backend, findProgram, startProgram, untilReady } from './server.ts'

export const missingRedis = () =>
  findProgram('redis-server') === null
    ? 'redis-server is not installed (Debian: apt-get install redis-server)'
    : null

/** How often its log is flushed: every second as people run it under BullMQ, or before each answer as Pollhook does. */
export type RedisFlush = 'everysec' | 'always'

const servers = new Map<RedisFlush, Promise<Backend>>()

/** One of each kind for a process, started when it is first asked for. */
export function redisThatFlushes(flush: RedisFlush): Promise<Backend> {
  const server = servers.get(flush) ?? startRedis(flush)
  servers.set(flush, server)
  return server
}

async function startRedis(appendfsync: RedisFlush): Promise<Backend> {
  const { folder, remove } = makeFolder()
  const socket = join(folder, 'redis.sock')
  const settings = {
    port: '0',
    // A unix socket costs Redis less than loopback TCP does.
    unixsocket: socket,
    dir: folder,
    appendonly: 'yes',
    appendfsync,
    save: '',
    // The log of a run never grows enough to need a rewrite, so none falls into a round.
    'auto-aof-rewrite-percentage': '0',
    // As BullMQ demands.
    'maxmemory-policy': 'noeviction',
    logfile: join(folder, 'redis.log'),
  }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const { pid, stop } = startProgram(findProgram('redis-server') as string, args, { stopSignal: 'SIGKILL' })
  await untilReady(pid, () => answers(socket))
  return {
    pid,
    socket,
    stop() {
      stop()
      remove()
    },
  }
}

function answers(socket: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket, () => connection.end('PING\r\n'))
    connection.once('error', reject)
    connection.once('data', (answer) =>
      answer.toString().startsWith('+PONG') ? resolve() : reject(new Error(`redis-server said ${answer}`)),
    )
  })
}
