/**
 * One attempt as a pipe of small steps: secrets, signature, one more look whether it is still wanted, POST.
 * Standard Webhooks 1.0, "Webhook Headers" and "Signature scheme".
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
  userAgent: string
  timeoutMs: number
}

/** @returns null when the delivery was cancelled, superseded or held while it was being signed */
export async function attemptDelivery(
  deps: AttemptDeps,
  taken: DueDelivery,
  at: number,
): Promise<Outcome | null> {
  const timestamp = Math.floor(at / 1000)
  const secrets = secretsOf(deps, taken)
  const signature = deps.signer.sign(secrets, signedContent(taken.webhookId, timestamp, taken.body))
  if (typeof signature === 'string') return post(deps, taken, timestamp, signature)
  const signed = await signature
  const now = deps.recheck(taken.id)
  // At another endpoint other limits hold, and it may be paused.
  if (now === null || now.endpointId !== taken.endpointId) return null
  // A secret that changed meanwhile signs anew: the change applies to every attempt started after it.
  if (!sameText(secrets, secretsOf(deps, now))) return attemptDelivery(deps, now, at)
  return post(deps, now, timestamp, signed)
}

function sameText(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((text, i) => text === others[i])
}

function secretsOf(deps: AttemptDeps, delivery: DueDelivery): readonly string[] {
  if (delivery.sealedSecret === null) return deps.signingSecrets(ownerOfRow(delivery.subscriptionId))
  const subscription = encodeId('sub', { ...deps.place, row: delivery.subscriptionId }, delivery.nonce)
  return [deps.vault.open(subscription, delivery.sealedSecret)]
}

function post(
  deps: AttemptDeps,
  delivery: DueDelivery,
  timestamp: number,
  signature: string,
): Promise<Outcome> {
  return deps.sender.send({
    ownerId: ownerOfRow(delivery.subscriptionId),
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
  })
}
