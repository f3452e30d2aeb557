/** Form fields with label, hint and fault tied together for every reader. Knows no page. */
import { html } from 'hono/html'
import type { Html } from './layout.ts'

export interface Field {
  name: string
  label: string
  type?: 'text' | 'password' | 'url' | 'number'
  value?: string
  hint?: string
  /** What was wrong with it. */
  fault?: string
  placeholder?: string
  autocomplete?: string
  /** For numbers. */
  min?: string
  max?: string
  step?: string
  required?: boolean
  focus?: boolean
  /** Identifiers and URLs are set in the typeface that tells 0 from O. */
  mono?: boolean
  /** More than one line. */
  rows?: number
  /** Stands beside another one where there is room. */
  half?: boolean
  /** Sets ids apart where a page has several such forms. */
  scope?: string
}

export function field(one: Field): Html {
  const id = `${one.scope ?? 'field'}-${one.name}`
  const notes = [one.fault && `${id}-fault`, one.hint && `${id}-hint`].filter(Boolean).join(' ')
  return html`<div class="field${one.half ? ' half' : ''}">
    <label for="${id}">${one.label}${one.required ? '' : html` <span class="muted">optional</span>`}</label>
    ${control(one, id, notes)}
    ${one.fault && html`<p class="fault" id="${id}-fault">${one.fault}</p>`}
    ${one.hint && html`<p class="hint" id="${id}-hint">${one.hint}</p>`}
  </div>`
}

function control(one: Field, id: string, notes: string): Html {
  const invalid = one.fault === undefined ? '' : html` aria-invalid="true"`
  const described = notes === '' ? '' : html` aria-describedby="${notes}"`
  const shape = one.mono ? html` class="mono" spellcheck="false" autocapitalize="off"` : ''
  const must = one.required ? html` required` : ''
  if (one.rows !== undefined) {
    return html`<textarea id="${id}" name="${one.name}" rows="${one.rows}"
      placeholder="${one.placeholder ?? ''}"${must}${shape}${invalid}${described}>${one.value ?? ''}</textarea>`
  }
  return html`<input id="${id}" name="${one.name}" type="${one.type ?? 'text'}" value="${one.value ?? ''}"
    placeholder="${one.placeholder ?? ''}" autocomplete="${one.autocomplete ?? 'off'}"${limits(one)}${must}${shape}${invalid}${described}${
      one.focus ? html` autofocus` : ''
    }>`
}

function limits({ min, max, step }: Field): Html {
  return html`${min && html` min="${min}"`}${max && html` max="${max}"`}${step && html` step="${step}"`}`
}
