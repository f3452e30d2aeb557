/** Variables that look like Pollhook's and are not. */
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { required } from './env.ts'

describe('variables that are not known', () => {
  it('are warned of, with the likeliest one', () => {
    const read = readConfig({ ...required, POLLHOOK_POLL_INTERVALL: '5s', POLLHOOK_COLOUR: 'red', PATH: '/' })
    expect(read.ok && read.warnings).toEqual([
      'POLLHOOK_POLL_INTERVALL is not a variable of Pollhook; did you mean POLLHOOK_POLL_INTERVAL?',
      'POLLHOOK_COLOUR is not a variable of Pollhook',
    ])
  })

  it.each([
    ['POLLHOOK_PORT', '; did you mean PORT?'],
    ['POLLHOOK_HOST', '; did you mean HOST?'],
    ['POLLHOOK_LOGLEVEL', '; did you mean LOG_LEVEL?'],
    ['POLLHOOK_LOG', ''],
    ['POLLHOOK_KEYS', ''],
  ])('%s is%s', (name, hint) => {
    expect(readConfig({ ...required, [name]: 'x' })).toMatchObject({
      warnings: [`${name} is not a variable of Pollhook${hint}`],
    })
  })

  it('are among the faults of a boot that fails: what is missing may be there under another name', () => {
    const { POLLHOOK_API_KEYS: keys, ...rest } = required
    const read = readConfig({ ...rest, POLLHOOK_APIKEYS: keys, POLLHOOK_COLOUR: 'red' })
    expect(!read.ok && read.faults).toMatchObject([
      expect.stringContaining('POLLHOOK_API_KEYS'),
      'POLLHOOK_APIKEYS is not a variable of Pollhook; did you mean POLLHOOK_API_KEYS?',
    ])
  })

  it('are not those of the command line, nor of a receiver', () => {
    const commandLine = { POLLHOOK_URL: 'http://127.0.0.1:8080', POLLHOOK_KEY: 'x' }
    const env = { ...required, ...commandLine, POLLHOOK_SIGNING_SECRET: 'whsec_x' }
    expect(readConfig(env)).toMatchObject({ ok: true, warnings: [] })
  })

  it('are not those that Kubernetes makes of a Service called pollhook', () => {
    const env = {
      ...required,
      POLLHOOK_SERVICE_HOST: '10.0.0.7',
      POLLHOOK_SERVICE_PORT_HTTP: '8080',
      POLLHOOK_PORT: 'tcp://10.0.0.7:8080',
      POLLHOOK_PORT_8080_TCP_ADDR: '10.0.0.7',
    }
    expect(readConfig(env)).toMatchObject({ ok: true, warnings: [] })
  })
})
