/** Deliveries as rows, on their own page and on a task's. */
import { html } from 'hono/html'
import type { Delivery } from './api.ts'
import type { Html } from './layout.ts'
import { deliveryLink, nextAttempt, pill, time, tokenLink } from './parts.ts'

export interface DeliveryTable {
  now: number
  /** Whether the rows belong to several tasks. */
  task: boolean
  /** Whether their subscription is: what is due waits for a resume. */
  isPaused?: boolean
}

export function deliveryTable(
  rows: readonly Delivery[],
  { now, task, isPaused = false }: DeliveryTable,
): Html {
  return html`<div class="table"><table>
    <caption class="hidden">Deliveries, newest first</caption>
    <thead><tr><th scope="col">Event</th><th scope="col">State</th>${task && html`<th scope="col" class="wide">Task</th>`}
      <th scope="col" class="num wide">Seq</th><th scope="col" class="num wide">Attempts</th><th scope="col" class="wide">Next attempt</th><th scope="col">Created</th></tr></thead>
    <tbody>${rows.map(
      (row) => html`<tr id="${row.id}">
        <th scope="row">${deliveryLink(row.id, row.type)}${task && html`<span class="narrow">${tokenLink(row.task_token)}</span>`}</th>
        <td>${pill(row.state)}</td>
        ${task && html`<td class="wide">${tokenLink(row.task_token)}</td>`}
        <td class="num wide">${row.seq ?? '–'}</td>
        <td class="num wide">${row.attempts}</td>
        <td class="wide">${isPaused && row.state === 'pending' ? 'paused' : nextAttempt(row.next_attempt_at, now)}</td>
        <td>${time(row.created_at, now)}</td>
      </tr>`,
    )}</tbody></table></div>`
}
