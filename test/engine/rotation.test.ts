/** CONTRACT §4.9: which of the owner's secrets sign while one takes the place of another, and after it. */
import { sql } from 'drizzle-orm'
import { expect, it } from 'vitest'
import { createNodeSigner } from '../../src/net/node/signer.ts'
import { type EngineWorld, minute, openWorld, registered, second } from './world.ts'

it('both secrets sign while a rotation overlaps, only the new one after it', async () => {
  const world = openWorld()
  const { commands } = world.relay()
  const rotated = await world.after(commands.rotateSigningSecret(world.ownerId, 10 * minute))
  const [newest, before] = rotated.map(({ secret }) => secret)
  await registered(world, 'completed')
  await world.run(11 * minute)
  await registered(world, 'completed')
  const signer = createNodeSigner({})
  const signedBy = [[newest!, before!], [newest!]]
  expect(world.sent.map(({ request }) => request.headers['webhook-signature'])).toEqual(
    world.sent.map(({ request: { headers, body } }, i) =>
      signer.sign(signedBy[i]!, `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`),
    ),
  )
})

it('a rotation without overlap holds for an attempt that is being signed', async () => {
  const signer = createNodeSigner({})
  const world: EngineWorld = openWorld(
    {},
    { signer: { sign: async (...given) => world.later(100, await signer.sign(...given)) } },
  )
  await world.register()
  while (world.relay().heldCount() === 0) await world.run(1)
  const { commands } = world.relay()
  const secrets = await commands.rotateSigningSecret(world.ownerId, 0)
  await world.run(second)
  const { headers, body } = world.sent[0]!.request
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const inForce = secrets.map(({ secret }) => secret)
  expect(headers['webhook-signature']).toBe(signer.sign(inForce, content))
})

it('a rotation that could not be written leaves the secret that receivers have', async () => {
  const world = openWorld()
  const { commands } = world.relay()
  const before = commands.signingSecrets(world.ownerId)
  // A full disk shows at the commit, as a broken promise to another table does.
  world.db.run(sql`create table kept (id integer primary key)`)
  world.db.run(sql`create table broken (kept integer references kept (id) deferrable initially deferred)`)
  world.db.run(sql`create trigger fails after update on owners begin insert into broken values (1); end`)
  await expect(commands.rotateSigningSecret(world.ownerId, 0)).rejects.toThrow()
  expect(commands.signingSecrets(world.ownerId)).toEqual(before)
})
