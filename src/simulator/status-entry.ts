/**
 * One job's state as a status object on the wire, with the odd types that were seen of the real service. The
 * API host and a master write different keys. Knows nothing of calls, faults or time.
 */
import type { JobState } from './lifecycle.ts'

export interface EntryJob {
  token: string
  statusUrl: string
  payload: string | null
}

/** ES2025 `JSON.rawJSON`, which Node 24 has and the ES2024 type library does not name. */
const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }

/**
 * A percent as upstream prints it: 17 significant digits (8.3743842364532011), which JavaScript would shorten.
 * @param whole how 100 is written: `100` was seen, and `100.0`
 */
function percentNumber(percent: number, whole: '100' | '100.0'): unknown {
  if (percent === 0) return 0
  return rawJSON(percent === 100 ? whole : percent.toPrecision(17))
}

/**
 * A master's answer. That renditions show up in `videos[]` while the task is still encoding is known; that a
 * master leaves out `status_url`, `duration` and `source_size` is a guess, as is which keys hold "None".
 */
export function masterEntry(job: EntryJob, state: JobState): Record<string, unknown> {
  return {
    status: state.status,
    percent: percentNumber(state.percent, state.status === 'completed' ? '100' : '100.0'),
    error: state.failure === null ? 0 : 1,
    // The literal string "None" was seen in place of null; where is a guess.
    error_description: state.failure?.description ?? (state.status === 'downloading' ? 'None' : null),
    videos: videosOf(job, state),
    images: imagesOf(job, state),
  }
}

/**
 * The API host's answer: no renditions before the end, but the address of the master and facts of the source
 * (guesses: only that the keys differ from a master's is known).
 */
export function apiEntry(job: EntryJob, state: JobState): Record<string, unknown> {
  const ended = state.status === 'completed'
  return {
    error: state.failure === null ? 0 : 1,
    error_description: state.failure?.description ?? null,
    status: state.status,
    // Null is a documented value; that it stands where nothing is encoded yet is a guess.
    percent:
      state.status === 'downloading' || state.status === 'queued'
        ? null
        : percentNumber(state.percent, '100'),
    status_url: job.statusUrl,
    // A string, and "None" while the source is not yet known.
    duration: state.status === 'downloading' ? 'None' : '596.458',
    source_size: state.status === 'downloading' ? 'None' : '64657027',
    payload: job.payload,
    warnings: [],
    ...(ended ? { videos: videosOf(job, state), images: imagesOf(job, state) } : {}),
  }
}

/** A task that was created and not started. `created` occurs in Qencode's clients; the rest is a guess. */
export function createdEntry(): Record<string, unknown> {
  return { error: 0, error_description: null, status: 'created', percent: 0, status_url: null }
}

/** Shares of the encoding after which a rendition is ready. */
const renditions = [
  { profile: '5a5db6fa5b8ac', height: 480, width: 854, bitrate: 1692, readyAtPercent: 60 },
  { profile: '5a5db6fa5b8ad', height: 720, width: 1280, bitrate: 3245, readyAtPercent: 100 },
]

function videosOf(job: EntryJob, state: JobState): unknown[] {
  return renditions
    .filter(({ readyAtPercent }) => state.percent >= readyAtPercent)
    .map(({ profile, height, width, bitrate }, index) => ({
      tag: `video-${index}-0`,
      profile,
      user_tag: `${height}p`,
      storage: storageOf(`renditions/${height}/${job.token}.mp4`, 'mp4'),
      url: urlOf(`renditions/${height}/${job.token}.mp4`),
      bitrate,
      // A JSON string here and a string percent are as documented.
      meta: JSON.stringify({ width, resolution: height, height }),
      percent: '100',
      duration: '596.458',
    }))
}

function imagesOf(job: EntryJob, state: JobState): unknown[] {
  if (state.status !== 'completed') return []
  return [5, 15].map((second, index) => ({
    tag: `image-${index}-0`,
    profile: '5a5db6fa5b8ac',
    user_tag: `320x240/${second}`,
    storage: storageOf(`thumbnails/${job.token}_${index}.png`, null),
    url: urlOf(`thumbnails/${job.token}_${index}.png`),
  }))
}

function storageOf(key: string, format: string | null): Record<string, unknown> {
  return { bucket: 'simulated-bucket', type: 'amazon_s3', key, format }
}

function urlOf(key: string): string {
  return `https://storage.example/simulated-bucket/${key}`
}
