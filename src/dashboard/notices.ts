/** What a page says after a form sent the reader there: fixed sentences, chosen by name. */
import type { Notice } from './layout.ts'

const notices: Readonly<Record<string, string>> = {
  registered: 'Registered. Pollhook polls the task and posts a webhook at every change.',
  unchanged: 'You had this subscription already, with the same options.',
  redelivered: 'Queued. It goes out next in its subscription, with the same id and bytes.',
  tested: 'A test event is on its way. What the receiver answers shows up below.',
  cancelled: 'Cancelled. Nothing more is sent to it.',
  paused: 'Paused. Deliveries are made and held; nothing is lost.',
  resumed: 'Resumed. What waited goes out now.',
  limited: 'The limits are saved.',
}

export function noticeOf(done: string | undefined): Notice | undefined {
  const text = done !== undefined && Object.hasOwn(notices, done) ? notices[done] : undefined
  return text === undefined ? undefined : { kind: 'ok', text }
}
