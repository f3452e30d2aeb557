/**
 * The browser's part: brings `#live` up to date by the clock and the event stream, and the curl beside the form
 * as it is filled in. Pages read well without it. It is text, as it is served: nothing here runs on the server.
 */
export const script = `'use strict'
{
  const region = document.getElementById('live')
  let busy = false
  let again = false
  let timer = 0
  const stale = document.getElementById('stale')
  const silent = stale?.textContent
  const gone = 'What this page shows is no longer there, or belongs to another owner than the one who is logged in.'

  // What just happened is said once: loaded again, or come back to, the page would say it of another time.
  const here = new URL(location.href)
  if (here.searchParams.has('done')) {
    here.searchParams.delete('done')
    history.replaceState(null, '', here)
  }

  // What the reader is doing stays: opened details, a form with something typed into it.
  const callbacks = {
    beforeNodeMorphed: (node) => !(node instanceof HTMLFormElement && node.dataset.touched),
    beforeAttributeUpdated: (name, node) => !(name === 'open' && node instanceof HTMLDetailsElement),
  }

  async function refresh() {
    if (busy) {
      again = true
      return
    }
    busy = true
    try {
      // What hangs is given up, to be said and tried again.
      const signal = AbortSignal.timeout(15_000)
      const response = await fetch(location.href, { headers: { accept: 'text/html' }, signal })
      // Not loaded again: a page that answered a form would send it again.
      if (response.redirected && new URL(response.url).pathname.endsWith('/login')) return location.replace(response.url)
      stale.hidden = response.ok
      stale.textContent = response.status === 404 ? gone : silent
      if (response.ok) {
        const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('live')
        if (fresh !== null) Idiomorph.morph(region, fresh, { callbacks, restoreFocus: true })
      }
    } catch {
      // The next look tries again.
      stale.hidden = false
      stale.textContent = silent
    }
    busy = false
    if (again) {
      again = false
      setTimeout(refresh, 250)
    }
  }

  function tick() {
    clearTimeout(timer)
    timer = setTimeout(async () => {
      if (!document.hidden) await refresh()
      tick()
    }, Number(region.dataset.live))
  }

  // Browsers open six connections to a host: tabs in the background would leave none for the seventh.
  let stream = null
  function listen() {
    stream?.close()
    stream = null
    if (document.hidden || !region.dataset.stream) return
    stream = new EventSource(region.dataset.stream)
    stream.onmessage = refresh
  }

  if (region !== null && 'Idiomorph' in window) {
    tick()
    listen()
    document.addEventListener('visibilitychange', () => {
      listen()
      if (!document.hidden) refresh()
    })
    region.addEventListener('input', (event) => {
      if (event.target.form) event.target.form.dataset.touched = 'yes'
    })
  }

  const form = document.querySelector('form[data-preview]')
  if (form !== null) {
    let latest = 0
    form.addEventListener('input', async () => {
      const mine = ++latest
      const body = new URLSearchParams(new FormData(form))
      const response = await fetch(form.dataset.preview, { method: 'POST', body }).catch(() => null)
      if (response === null || !response.ok || mine !== latest) return
      const fresh = new DOMParser().parseFromString(await response.text(), 'text/html').getElementById('curl')
      if (fresh !== null) document.getElementById('curl').replaceChildren(...fresh.childNodes)
    })
  }

  for (const button of document.querySelectorAll('button[data-copy]')) {
    if (navigator.clipboard === undefined) continue
    button.hidden = false
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent)
      button.textContent = 'Copied'
      setTimeout(() => (button.textContent = 'Copy'), 1500)
    })
  }
}
`
