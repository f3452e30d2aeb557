/**
 * Changes written down, POSTed and marked as accepted by nothing but what that takes: a row of the change and one of its
 * webhook in a flushed commit, the POST, an update in another one. No order, no endpoint, no limit, no retry, no attempt log.
 */
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { makeFolder } from './cleanup.ts'
import { createPoster, makeEvent } from './poster.ts'

export interface BareChange {
  token: string
  percent: number
}

export interface BareOutbox {
  /** Of one answer, in one commit. */
  tell(changes: readonly BareChange[]): void
  told(): number
}

/** @param tokens each with a change that was told already, as a relay that has run for a while has of each task */
export function openBareOutbox(receiver: string, tokens: readonly string[]): BareOutbox {
  const db = new Sqlite(join(makeFolder().folder, 'bare.db'))
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec(`create table changes (token text, seq integer, percent real, at integer, primary key (token, seq)) without rowid;
    create table webhooks (id integer primary key, task integer, due_at integer, accepted_at integer, body text);
    create index webhooks_task on webhooks (task);
    create index webhooks_due on webhooks (due_at) where due_at is not null`)
  const addChange = db.prepare('insert into changes values (?, ?, ?, ?)')
  const addWebhook = db.prepare('insert into webhooks values (?, ?, ?, null, ?)')
  const accept = db.prepare('update webhooks set due_at = null, accepted_at = ? where id = ?')
  const poster = createPoster(receiver)
  const tasks = new Map(tokens.map((token, number) => [token, { number, seq: 0 }]))
  let newest = 0
  let told = 0

  /** @returns what is to be sent */
  const write = db.transaction((changes: readonly BareChange[]) =>
    changes.map(({ token, percent }) => {
      const task = tasks.get(token)!
      const now = Date.now()
      const webhook = { id: ++newest, token, body: JSON.stringify(makeEvent(token, ++task.seq, percent, {})) }
      addChange.run(token, task.seq, percent, now)
      addWebhook.run(webhook.id, task.number, now, webhook.body)
      return webhook
    }),
  )
  const settle = db.transaction((ids: readonly number[]) => {
    for (const id of ids) accept.run(Date.now(), id)
  })

  for (let i = 0; i < tokens.length; i += 1000) {
    const webhooks = write(tokens.slice(i, i + 1000).map((token) => ({ token, percent: 0 })))
    settle(webhooks.map(({ id }) => id))
  }
  return {
    tell(changes) {
      for (const { id, token, body } of write(changes)) {
        // A receiver that refuses one spoils the measurement: the rejection ends the process.
        void poster.post(`msg_${id}`, `/hook?t=${token}`, body).then(() => {
          settle([id])
          told++
        })
      }
    },
    told: () => told,
  }
}
