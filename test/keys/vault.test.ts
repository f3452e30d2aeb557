import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createVault } from '../../src/keys/vault.ts'

const older = new Uint8Array(32).fill(1)
const newer = new Uint8Array(32).fill(2)
const whsec = `whsec_${Buffer.alloc(32, 9).toString('base64')}`

describe('the vault', () => {
  it('opens what it sealed, for any subscription and text', () => {
    const vault = createVault([newer], randomBytes)
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'grapheme' }), (id, text) => {
        expect(vault.open(id, vault.seal(id, text))).toBe(text)
      }),
    )
  })

  it('never writes the secret or the same text twice', () => {
    const vault = createVault([newer], randomBytes)
    const sealed = vault.seal('sub_1', whsec)
    expect(sealed).toMatch(/^[0-9a-f]{8}\.[A-Za-z0-9+/]+=*$/)
    expect(Buffer.from(sealed.slice(9), 'base64').includes(whsec)).toBe(false)
    expect(vault.seal('sub_1', whsec)).not.toBe(sealed)
  })

  it('opens a secret that was stored before, so that the format never changes silently', () => {
    const stored =
      'd5f07263.AwMDAwMDAwMDAwMDY0wOqR8250X/JJhZbS9JrtJBMzSIjXl8OaMQiEKWTnYJLZeVQPElc0gUKki6dgaOwniYAtn5BdsVK7kkOgp4JbxR'
    expect(createVault([older], randomBytes).open('sub_1', stored)).toBe(whsec)
  })

  it('binds the secret to its subscription', () => {
    const vault = createVault([newer], randomBytes)
    const sealed = vault.seal('sub_1', whsec)
    expect(() => vault.open('sub_2', sealed)).toThrow('no configured POLLHOOK_SECRET opens')
  })

  it('seals under the newest secret and opens under all', () => {
    const before = createVault([older], randomBytes)
    const during = createVault([newer, older], randomBytes)
    const after = createVault([newer], randomBytes)
    const old = before.seal('sub_1', whsec)
    expect(during.open('sub_1', old)).toBe(whsec)
    expect(during.isSealedByNewest(old)).toBe(false)
    const again = during.seal('sub_1', during.open('sub_1', old))
    expect(during.isSealedByNewest(again)).toBe(true)
    expect(after.open('sub_1', again)).toBe(whsec)
    expect(() => after.open('sub_1', old)).toThrow()
  })

  it('notices any changed character, and says nothing of the secret', () => {
    const vault = createVault([newer, older], randomBytes)
    const sealed = vault.seal('sub_1', whsec)
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.constantFrom('A', 'b', '0', '/', '.', '='), (at, char) => {
        const changed = sealed.slice(0, at) + char + sealed.slice(at + 1)
        if (changed !== sealed) expect(() => vault.open('sub_1', changed)).toThrow(/^(?!.*whsec_)/)
      }),
    )
  })

  it.each(['', '.', 'no dot', '0badc0de.', '0badc0de.AAAA', '….…'])('refuses %j', (sealed) => {
    const vault = createVault([newer], randomBytes)
    expect(() => vault.open('sub_1', sealed)).toThrow()
    expect(vault.isSealedByNewest(sealed)).toBe(false)
  })

  it('refuses a text that is cut short under the right key', () => {
    const vault = createVault([newer], randomBytes)
    const sealed = vault.seal('sub_1', whsec)
    for (const length of [9, 13, 25, 29]) expect(() => vault.open('sub_1', sealed.slice(0, length))).toThrow()
  })

  it('needs a secret', () => {
    expect(() => createVault([], randomBytes)).toThrow('at least one')
  })
})
