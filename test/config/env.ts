/** An environment that Pollhook starts with, and what reading it with other variables beside them gives. */
import { type Config, readConfig } from '../../src/config.ts'

export const key = 'k'.repeat(24)
export const secret = Buffer.alloc(32, 7).toString('base64')
export const required = { POLLHOOK_API_KEYS: `acme=${key}`, POLLHOOK_SECRET: secret }

export function configOf(env: Record<string, string>): Config {
  const read = readConfig({ ...required, ...env })
  if (!read.ok) throw new Error(read.faults.join('\n'))
  return read.config
}

export function faultsOf(env: Record<string, string | undefined>): string[] {
  const read = readConfig({ ...required, ...env })
  return read.ok ? [] : read.faults
}
