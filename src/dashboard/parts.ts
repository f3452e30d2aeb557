/** The small pieces that pages share: states, times, ids, progress, empty lists, paging. */
import { html } from 'hono/html'
import { queryText } from './api.ts'
import type { Html } from './layout.ts'

type Tone = 'ok' | 'run' | 'wait' | 'bad' | 'off'

const tones: Readonly<Record<string, Tone>> = {
  // Tasks.
  completed: 'ok',
  created: 'run',
  new: 'run',
  started: 'run',
  downloading: 'run',
  queued: 'run',
  encoding: 'run',
  processing: 'run',
  saving: 'run',
  failed: 'bad',
  error: 'bad',
  lost: 'bad',
  cancelled: 'off',
  canceled: 'off',
  expired: 'off',
  // Subscriptions and deliveries.
  active: 'run',
  paused: 'wait',
  pending: 'wait',
  delivered: 'ok',
  superseded: 'off',
  exhausted: 'bad',
  // Endpoints and attempts.
  healthy: 'ok',
  failing: 'bad',
  accepted: 'ok',
  rejected: 'bad',
  unreachable: 'bad',
  refused: 'bad',
}

/** A state as a word in its colour: the word alone says it. */
export function pill(word: string, tone: Tone = tones[word] ?? 'off'): Html {
  return html`<span class="pill ${tone}">${word}</span>`
}

/** `12 s ago`, `in 5 min`, with the exact time behind it; a dash for none. */
export function time(iso: string | null, now: number): Html {
  if (iso === null) return html`<span class="muted">–</span>`
  return html`<time datetime="${iso}" title="${clockText(iso)}">${relative(Date.parse(iso) - now)}</time>`
}

/** The time itself, to be compared with another log without a mouse to point at it, and how long ago it was. */
export function exactTime(iso: string | null, now: number): Html {
  if (iso === null) return time(iso, now)
  return html`<time datetime="${iso}">${clockText(iso)}</time> <span class="muted small">${relative(Date.parse(iso) - now)}</span>`
}

function clockText(iso: string): string {
  return iso.replace('T', ' ').replace('Z', ' UTC')
}

const units: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
]

/** @param ms from now; negative for what is past */
function relative(ms: number): string {
  const size = Math.abs(ms)
  const unit = units.find(([unitMs]) => size >= unitMs)
  if (unit === undefined) return 'just now'
  const text = `${Math.floor(size / unit[0])} ${unit[1]}`
  return ms < 0 ? `${text} ago` : `in ${text}`
}

/** When a waiting delivery is tried next: what is due waits for its turn, its endpoint or a resume. */
export function nextAttempt(iso: string | null, now: number): Html {
  const isDue = iso !== null && Date.parse(iso) <= now
  return isDue ? html`<time datetime="${iso}" title="${clockText(iso)}">due</time>` : time(iso, now)
}

/** How long something took. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1_000)} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** The first characters tell a token well enough in a list; the whole is in its title and address. */
export function tokenLink(token: string): Html {
  return html`<a class="mono" href="/dashboard/tasks/${token}" title="${token}">${token.slice(0, 8)}<span class="wide">${token.slice(8, 12)}</span>…</a>`
}

export function deliveryLink(id: string, label: Html | string): Html {
  return html`<a class="mono" href="/dashboard/deliveries/${encodeURIComponent(id)}">${label}</a>`
}

export interface Progress {
  task_token: string
  status: string | null
  percent: number | null
  ended_at: string | null
}

/** The bar and the number; a task that went well is full. */
export function progress(task: Progress): Html {
  const { status, ended_at: ended } = task
  const percent = status === 'completed' ? 100 : (task.percent ?? 0)
  const tone = tones[status ?? ''] ?? 'off'
  return html`<span class="bar"><progress id="bar-${task.task_token}" class="${ended === null ? 'run' : tone}" max="100" value="${percent.toFixed(1)}" aria-label="Progress of ${task.task_token.slice(0, 12)}"></progress>
    <span class="number">${percentText(status === 'completed' ? 100 : task.percent)}</span></span>`
}

export function percentText(percent: number | null): string {
  if (percent === null) return '–'
  // Rounded down, so that 100 means the end.
  return `${percent >= 100 ? 100 : (Math.floor(percent * 10) / 10).toFixed(1)} %`
}

/** A list with nothing in it says what to do. */
export function empty(title: string, advice: Html | string): Html {
  return html`<div class="card empty"><p class="title">${title}</p><p class="muted">${advice}</p></div>`
}

/**
 * Links to the first page and the next one; nothing where there is only one. It belongs into `live`, with its list:
 * rows that new ones push off the page are on the next one only if its address moves along.
 */
export function pager(
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  next: string | null,
): Html {
  const { cursor, ...rest } = query
  const first = cursor && html`<a class="button" href="${path}${queryText(rest)}">Newest</a>`
  const older =
    next && html`<a class="button" rel="next" href="${path}${queryText({ ...rest, cursor: next })}">Older</a>`
  return first || older ? html`<nav class="pager" aria-label="Pages">${first}${older}</nav>` : html``
}

/** Choices that are links, so that they work without a script; the chosen one is marked. */
export function tabs(
  label: string,
  choices: readonly { label: string; href: string; current: boolean }[],
): Html {
  return html`<nav class="tabs" aria-label="${label}"><ul>${choices.map(
    (one) =>
      html`<li><a href="${one.href}"${one.current ? html` aria-current="true"` : ''}>${one.label}</a></li>`,
  )}</ul></nav>`
}

/** What upstream nests deeper is not indented: each level costs two characters on each of its lines. */
const indentedLevelsMax = 10
/** At some thousand levels V8 writes no JSON any more. */
const shownLevelsMax = 1000

/** JSON to read: wide and long, so it scrolls by itself, by keyboard too. */
export function jsonBlock(label: string, value: unknown): Html {
  if (isDeeper(value, shownLevelsMax)) {
    return textBlock(label, 'Nested too deeply to be shown here: the API answers all of it.')
  }
  if (isDeeper(value, indentedLevelsMax)) return textBlock(label, jsonText(value, 0))
  return block(label, jsonText(value, 2), 'code')
}

/** Text of somebody else: its lines may be long, so they are broken. */
export function textBlock(label: string, text: string): Html {
  return block(label, text, 'code wrap')
}

function block(label: string, text: string, shape: 'code' | 'code wrap'): Html {
  return html`<pre class="${shape}" tabindex="0" role="region" aria-label="${label}"><code>${text}</code></pre>`
}

/** What turns the direction of writing (Unicode UAX #9, explicit formatting) would turn the quotes and names around it too. */
function jsonText(value: unknown, indent: number): string {
  const escaped = (char: string) => `\\u${char.charCodeAt(0).toString(16)}`
  return JSON.stringify(value, null, indent).replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, escaped)
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}

/** Facts in pairs. */
export function facts(pairs: readonly (readonly [string, Html | string | number])[]): Html {
  return html`<dl class="facts">${pairs.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`
}
