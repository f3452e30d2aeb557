/** Posts a webhook as a relay would send it, signed now. */
import { Webhook } from 'standardwebhooks'

export async function postSigned(
  url: string,
  {
    body,
    secret,
    signed = body,
    id = 'msg_1',
  }: { body: string; secret: string; signed?: string; id?: string },
): Promise<number> {
  const at = new Date()
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, signed),
  }
  return (await fetch(url, { method: 'POST', headers, body })).status
}
