/** A PostgreSQL cluster of its own, durable at every commit and with memory for what the peers put into it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { type Account, makeFolder } from '../support/cleanup.ts'
import { accountOf, type Backend, findProgram, postgresFolders, startProgram, untilReady } from './server.ts'

const program = (name: string) => findProgram(name, postgresFolders())

export function missingPostgres(): string | null {
  if (!['initdb', 'postgres'].every((name) => program(name) !== null))
    return 'PostgreSQL is not installed (Debian: apt-get install postgresql)'
  if (process.getuid?.() !== 0 || spawnSync('id', ['-u', 'postgres']).status === 0) return null
  return 'PostgreSQL does not run as root: make an account named postgres, or run this as another user'
}

export const postgresUser = 'bench'

const settings = {
  listen_addresses: '',
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  min_wal_size: '1GB',
  wal_buffers: '64MB',
  checkpoint_timeout: '30min',
  work_mem: '32MB',
  autovacuum: 'on',
  max_connections: '300',
  log_min_messages: 'panic',
}

export async function startPostgres(): Promise<Backend> {
  // PostgreSQL refuses to run as root.
  const account: Account | undefined = process.getuid?.() === 0 ? accountOf('postgres') : undefined
  const { folder, remove } = makeFolder(account)
  const data = join(folder, 'data')
  const options = { cwd: folder, ...account }
  execFileSync(
    program('initdb') as string,
    [
      '-D',
      data,
      '-U',
      postgresUser,
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C',
      '--no-sync',
      '--no-instructions',
    ],
    { ...options, stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const chosen = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const { pid, stop } = startProgram(
    program('postgres') as string,
    ['-D', data, '-k', folder, ...chosen],
    // An immediate shutdown: nobody needs the data.
    { ...options, stopSignal: 'SIGQUIT' },
  )
  const { Client } = await import('pg')
  await untilReady(pid, async () => {
    const client = new Client({ host: folder, user: postgresUser, database: 'postgres' })
    await client.connect()
    await client.end()
  })
  return {
    pid,
    socket: folder,
    stop() {
      stop()
      remove()
    },
  }
}

let databases = 0

/** @returns where a new database is, after a checkpoint, so that none of an earlier round falls into the next */
export async function createDatabase({ socket }: Backend) {
  const { Client } = await import('pg')
  const client = new Client({ host: socket, user: postgresUser, database: 'postgres' })
  await client.connect()
  const database = `round_${databases++}`
  await client.query(`create database ${database}`)
  await client.query('checkpoint')
  await client.end()
  return { host: socket, user: postgresUser, database }
}
