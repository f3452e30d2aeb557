/** The configuration as Workers have it: vars and secrets beside the bindings of `Env`. */
import { type Config, readConfig } from '../config.ts'

/** @throws an Error with all faults */
export function configurationOf(env: Env): { config: Config; warnings: string[] } {
  const read = readConfig(env as unknown as Record<string, string>)
  if (!read.ok) throw new Error(`Pollhook cannot start: ${read.faults.join('; ')}`)
  return read
}
