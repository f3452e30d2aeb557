/** `pollhook keys`: makes API keys and signing keys. What it prints is stored nowhere. */
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { Command, InvalidArgumentError } from 'commander'
import { ownerPattern } from '../config/keys.ts'
import { formatSigningKey } from '../core/signature.ts'
import { hashApiKey } from '../keys/api-keys.ts'
import { colorsFor, printLine } from './output.ts'

const examples = `
Examples:
  $ pollhook keys new acme
  $ pollhook keys new acme --json | jq -r .entry
  $ export POLLHOOK_SIGNING_KEY=$(pollhook keys signing)`

export function keysCommand(): Command {
  const create = new Command('new')
    .description('Print a new API key and the entry that lets it in.')
    .argument('<owner>', 'who the key belongs to: 1 to 32 of a-z, 0-9, _ and -', owner)
    .option('--json', 'one JSON object: owner, key, entry')
    .addHelpText('after', examples)
    .action((name: string, flags: { json?: true }) => {
      const dim = colorsFor(process.stdout).dim
      const key = newKey()
      const entry = `${name}=sha256:${hashApiKey(key)}`
      if (flags.json) return printLine(JSON.stringify({ owner: name, key, entry }))
      printLine(`${dim('key:  ')} ${key}`)
      printLine(`${dim('entry:')} ${entry}`)
      process.stderr.write(
        'Give the key to its owner: it cannot be shown again. Add the entry to POLLHOOK_API_KEYS, entries separated by commas.\n',
      )
    })
  const signing = new Command('signing')
    .description('Print a new ed25519 key for POLLHOOK_SIGNING_KEY.')
    .addHelpText('after', examples)
    .action(() => {
      printLine(newSigningKey())
      process.stderr.write('Set it as POLLHOOK_SIGNING_KEY. Receivers verify with /.well-known/jwks.json.\n')
    })
  return new Command('keys')
    .description('Make API keys and signing keys.')
    .addHelpText('after', examples)
    .addCommand(create)
    .addCommand(signing)
}

/** 256 bits in base64url: no `,` or `=`, which POLLHOOK_API_KEYS uses itself. */
export function newKey(): string {
  return `phk_${randomBytes(32).toString('base64url')}`
}

/** As JWK, the form in which both halves come without a wrapping (RFC 8037 §2). */
function newSigningKey(): string {
  const { d = '', x = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const [seed, publicKey] = [d, x].map((half) => Uint8Array.from(Buffer.from(half, 'base64url')))
  return formatSigningKey({ seed: seed!, publicKey: publicKey! })
}

function owner(text: string): string {
  if (ownerPattern.test(text)) return text
  throw new InvalidArgumentError('Use 1 to 32 of a-z, 0-9, _ and -, a letter or digit first.')
}
