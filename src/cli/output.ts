/** How commands speak: colours on a terminal only, results on stdout, trouble on stderr. */
import picocolors from 'picocolors'

export type Colors = ReturnType<typeof picocolors.createColors>

/** NO_COLOR (no-color.org) wins over a terminal. */
export function colorsFor(stream: NodeJS.WriteStream): Colors {
  return picocolors.createColors(stream.isTTY === true && !process.env.NO_COLOR)
}

/** Text from elsewhere, without the control characters that could move a terminal's cursor or colour it. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '�')
}

/** JSON of the same value, without such characters: it escapes those below a space by itself, here the others are escaped too. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replaceAll(/[\x7f-\x9f\p{Cf}]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

export function printLine(text = ''): void {
  process.stdout.write(`${text}\n`)
}

/** One line of trouble, and the exit code that goes with it; the process ends by itself. */
export function fail(message: string): void {
  process.stderr.write(`${colorsFor(process.stderr).red('error:')} ${message}\n`)
  process.exitCode = 1
}

/** For a start that did not work out: the reason, or each of several. */
export function failStart(error: unknown): void {
  const faults =
    error instanceof Error && 'faults' in error && Array.isArray(error.faults)
      ? error.faults.map(String)
      : [error instanceof Error ? error.message : String(error)]
  for (const fault of faults) fail(fault)
}

/** The same for what listens on a port of `--port`. */
export function failListen(port: number): (error: NodeJS.ErrnoException) => void {
  const taken = `port ${port} is in use: choose another with --port, 0 for a free one`
  return (error) => failStart(error.code === 'EADDRINUSE' ? taken : error)
}
