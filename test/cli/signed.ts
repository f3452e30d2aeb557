/** Posts a webhook as a relay would send it, signed now. */
import { Webhook } from 'standardwebhooks'

interface Signed {
  body: string
  secret: string
  signed?: string
  id?: string
}

/** @returns the status of the answer */
export async function postSigned(url: string, signed: Signed): Promise<number> {
  return (await sendSigned(url, signed)).status
}

export function sendSigned(
  url: string,
  { body, secret, signed = body, id = 'msg_1' }: Signed,
): Promise<Response> {
  const at = new Date()
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(id, at, signed),
  }
  return fetch(url, { method: 'POST', headers, body })
}
