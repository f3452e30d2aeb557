/** Bundles the Worker as a deploy would, and fails when it is larger than it should be. */
import { spawnSync } from 'node:child_process'

const gzipKibMax = 200

const { status, stdout, stderr } = spawnSync('wrangler', ['deploy', '--dry-run', '--outdir', 'dist/worker'], {
  encoding: 'utf8',
  env: { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false' },
})
const output = stdout + stderr
const gzipKib = Number(/gzip: ([\d.]+) KiB/.exec(output)?.[1] ?? Number.NaN)
if (status !== 0 || Number.isNaN(gzipKib)) {
  process.stderr.write(output)
  process.exit(1)
}
process.stdout.write(`Worker bundle: ${gzipKib} KiB gzip of at most ${gzipKibMax}\n`)
process.exit(gzipKib <= gzipKibMax ? 0 : 1)
