/**
 * Charts as SVG that stretches to its place; what is to be read stands beside it as text, so that it keeps its
 * size on a phone. Knows numbers only.
 */
import { html } from 'hono/html'
import type { Html } from './layout.ts'
import { duration } from './parts.ts'

const width = 1000
const height = 200
/** Few bars stay slim. */
const slotsMin = 40
/** The strip of statuses below the line. */
const strip = 12
/** Where percents lie: a line at the very edge would lose half its width. */
const top = 4
const bottom = height - strip - 8

export interface TimelinePoint {
  at: number
  status: string | null
  percent: number | null
}

const bandTones: Readonly<Record<string, string>> = {
  downloading: 'band-1',
  queued: 'band-2',
  encoding: 'band-3',
  saving: 'band-4',
  completed: 'band-ok',
  failed: 'band-bad',
  lost: 'band-bad',
}

/**
 * Percent as steps over a strip of statuses, from the first transition to `end`.
 * @param points oldest first, at least one
 * @param end later than the first of them
 */
export function timelineChart(points: readonly TimelinePoint[], end: number): Html {
  const from = points[0]!.at
  const x = (at: number) => round(((at - from) / (end - from)) * width)
  const y = (percent: number) => round(bottom - (Math.min(100, Math.max(0, percent)) / 100) * (bottom - top))
  const bands = bandsOf(points, end)
  const line = stepPath(points, end, x, y)
  const firstAt = points.find(({ percent }) => percent !== null)?.at ?? from
  return html`<figure class="chart">
    <div class="plot">
      <div class="axis y" aria-hidden="true"><span>100 %</span><span>50 %</span><span>0 %</span></div>
      <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-labelledby="timeline-title timeline-desc">
        <title id="timeline-title">Status and percent over time</title>
        <desc id="timeline-desc">${describeBands(bands, points)}</desc>
        ${bands.map(
          (band) =>
            html`<rect class="band ${bandTones[band.status] ?? 'band-2'}" x="${x(band.from)}" y="${height - strip}" width="${round(x(band.to) - x(band.from))}" height="${strip}"/>`,
        )}
        <path class="grid" d="M0 ${y(100)}H${width}M0 ${y(50)}H${width}M0 ${y(0)}H${width}"/>
        <path class="area" d="${line}V${bottom}H${line === none ? 0 : x(firstAt)}Z"/>
        <path class="line" d="${line}"/>
      </svg>
    </div>
    <div class="axis x" aria-hidden="true"><span>0 s</span><span>${duration((end - from) / 2)}</span><span>${duration(end - from)}</span></div>
    <figcaption><ul class="legend">${bands.map(
      (band) =>
        html`<li><span class="swatch ${bandTones[band.status] ?? 'band-2'}"></span>${band.status} <span class="muted">${band.to > band.from ? duration(band.to - band.from) : ''}</span></li>`,
    )}</ul></figcaption>
  </figure>`
}

/** A path that draws nothing. */
const none = `M0 ${bottom}`

interface Band {
  status: string
  from: number
  to: number
}

function bandsOf(points: readonly TimelinePoint[], end: number): Band[] {
  const bands: Band[] = []
  for (const { at, status } of points) {
    const last = bands.at(-1)
    const word = status ?? 'unknown'
    if (last?.status === word) continue
    if (last !== undefined) last.to = at
    bands.push({ status: word, from: at, to: end })
  }
  return bands
}

function describeBands(bands: readonly Band[], points: readonly TimelinePoint[]): string {
  const parts = bands.map(({ status, from, to }) => `${status} for ${duration(to - from)}`)
  const percent = points.findLast((point) => point.percent !== null)?.percent ?? null
  return `${parts.join(', then ')}. ${percent === null ? 'No percent is known.' : `The last percent is ${percent.toFixed(1)}.`}`
}

/** The percent holds until the next transition tells another. */
function stepPath(
  points: readonly TimelinePoint[],
  end: number,
  x: (at: number) => number,
  y: (percent: number) => number,
): string {
  let path = ''
  for (const { at, percent } of points) {
    if (percent === null) continue
    path += path === '' ? `M${x(at)} ${y(percent)}` : `H${x(at)}V${y(percent)}`
  }
  return path === '' ? none : `${path}H${x(end)}`
}

export interface LatencyBar {
  at: number
  durationMs: number
  ok: boolean
}

/** One bar for each attempt, oldest first. @param id tells charts of one page apart */
export function latencyChart(id: string, bars: readonly LatencyBar[]): Html {
  const highest = Math.max(...bars.map(({ durationMs }) => durationMs), 1)
  const sorted = bars.map(({ durationMs }) => durationMs).sort((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
  const slots = Math.max(bars.length, slotsMin)
  const slot = width / slots
  // The newest stand at the right.
  const first = slots - bars.length
  const failed = bars.filter(({ ok }) => !ok).length
  const attempts = `${bars.length} attempt${bars.length === 1 ? '' : 's'}`
  return html`<figure class="chart latency">
    <div class="plot">
      <div class="axis y" aria-hidden="true"><span>${duration(highest)}</span><span>0 ms</span></div>
      <svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none" role="img" aria-labelledby="${id}-title ${id}-desc">
        <title id="${id}-title">Latency of the last attempts</title>
        <desc id="${id}-desc">${attempts}, ${failed} failed; median ${duration(median)}, longest ${duration(highest)}.</desc>
        <path class="grid" d="M0 ${height / 2}H${width}"/>
        ${bars.map(({ durationMs, ok }, index) => {
          const size = round(Math.max(4, (durationMs / highest) * (height - 4)))
          return html`<rect class="${ok ? 'good' : 'poor'}" x="${round((first + index) * slot + slot * 0.15)}" y="${round(height - size)}" width="${round(slot * 0.7)}" height="${size}"/>`
        })}
      </svg>
    </div>
    <figcaption class="muted small">Last ${attempts} · median ${duration(median)}${failed > 0 ? ` · ${failed} failed` : ''}</figcaption>
  </figure>`
}

function round(n: number): number {
  return Math.round(n * 100) / 100
}
