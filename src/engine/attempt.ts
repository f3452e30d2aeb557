/**
 * One attempt as a pipe of small steps: secrets, signature, POST. Where time passes between them, one more look whether
 * it is still wanted. Standard Webhooks 1.0, "Webhook Headers" and "Signature scheme".
 */
import { encodeId, ownerOfRow, type Place } from '../core/ids.ts'
import type { Outcome } from '../core/outcome.ts'
import { signedContent } from '../core/signature.ts'
import type { Sender, Signer, Vault } from '../ports.ts'
import type { DueDelivery } from '../store/due.ts'

export interface AttemptDeps {
  sender: Sender
  signer: Signer
  vault: Vault
  place: Place
  /** The owner's signing secrets in force, newest first. */
  signingSecrets(ownerId: number): readonly string[]
  /** The delivery as it is now; null when it is not wanted any more. */
  recheck(deliveryId: number): DueDelivery | null
  /** Goes up with each command that may change what is wanted, where it goes and what signs it. */
  changes(): number
  userAgent: string
  timeoutMs: number
}

/** @returns null when it was cancelled, superseded, held or changed before it went out: it is no attempt then */
export async function attemptDelivery(
  deps: AttemptDeps,
  taken: DueDelivery,
  at: number,
): Promise<Outcome | null> {
  const timestamp = Math.floor(at / 1000)
  const secrets = secretsOf(deps, taken)
  const signature = deps.signer.sign(secrets, signedContent(taken.webhookId, timestamp, taken.body))
  if (typeof signature === 'string') return post(deps, taken, { timestamp, secrets, signature })
  const signed = await signature
  const now = deps.recheck(taken.id)
  // It is taken anew: the log names the URL that was called, and at another endpoint other limits hold.
  if (now === null || now.callbackUrl !== taken.callbackUrl) return null
  // A secret that changed meanwhile signs anew: the change applies to every attempt started after it.
  if (!sameText(secrets, secretsOf(deps, now))) return attemptDelivery(deps, now, at)
  return post(deps, now, { timestamp, secrets, signature: signed })
}

/** Would the same request be made now? */
function stillStands(deps: AttemptDeps, sent: DueDelivery, secrets: readonly string[]): boolean {
  const now = deps.recheck(sent.id)
  if (now === null || now.endpointId !== sent.endpointId || now.callbackUrl !== sent.callbackUrl) return false
  return sameText(secrets, secretsOf(deps, now))
}

function sameText(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, i) => text === others[i])
}

function secretsOf(deps: AttemptDeps, delivery: DueDelivery): readonly string[] {
  if (delivery.sealedSecret === null) return deps.signingSecrets(ownerOfRow(delivery.subscriptionId))
  const subscription = encodeId('sub', { ...deps.place, row: delivery.subscriptionId }, delivery.nonce)
  return [deps.vault.open(subscription, delivery.sealedSecret)]
}

interface Signed {
  timestamp: number
  secrets: readonly string[]
  signature: string
}

function post(
  deps: AttemptDeps,
  delivery: DueDelivery,
  { timestamp, secrets, signature }: Signed,
): Promise<Outcome | null> {
  const request = {
    ownerId: ownerOfRow(delivery.subscriptionId),
    subscriptionId: delivery.subscriptionId,
    url: delivery.callbackUrl,
    headers: {
      'content-type': 'application/json',
      'user-agent': deps.userAgent,
      'webhook-id': delivery.webhookId,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature,
    },
    body: delivery.body,
    timeoutMs: deps.timeoutMs,
  }
  // Nearly always nothing has changed, and nothing is read.
  const before = deps.changes()
  return deps.sender.send(request, () => deps.changes() === before || stillStands(deps, delivery, secrets))
}
