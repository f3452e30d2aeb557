/** `/openapi.json`, and `/docs`: Swagger UI over it, every file from this server (decision 0006). */
import type { Hono } from 'hono'
import { html } from 'hono/html'
import { kept } from '../core/kept.ts'
import type { AppDeps, HttpEnv } from './deps.ts'
import { openApiDocument } from './openapi.ts'
import { problem } from './problem.ts'

/** The only files of `swagger-ui-dist` that are served. */
const assets = new Map([
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
  ['swagger-ui.css', 'text/css; charset=utf-8'],
])

/** Swagger UI styles elements inline and embeds its icons as data: URLs; scripts come from files alone. */
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** `validatorUrl: null`: the document is never sent to anyone. Relative paths keep a prefix of a proxy. */
const setup = `window.addEventListener('load', () => {
  window.SwaggerUIBundle({
    url: new URL('openapi.json', document.baseURI).href,
    dom_id: '#docs',
    deepLinking: true,
    validatorUrl: null,
    defaultModelsExpandDepth: 0,
    syntaxHighlight: { theme: 'nord' },
  })
})
`

export function addDocs(app: Hono<HttpEnv>, deps: Pick<AppDeps, 'docsAsset' | 'version'>): void {
  const document = kept(async () => {
    const text = JSON.stringify(await openApiDocument(app, deps.version))
    return new TextEncoder().encode(text)
  })
  app.get('/openapi.json', async (c) => c.body(await document(), 200, { 'content-type': 'application/json' }))
  app.get('/docs', (c) => {
    c.header('content-security-policy', contentSecurityPolicy)
    c.header('referrer-policy', 'no-referrer')
    return c.html(page)
  })
  app.get('/docs/setup.js', (c) => c.body(setup, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  for (const [name, type] of assets) {
    const asset = kept(() => deps.docsAsset(name))
    app.get(`/docs/${name}`, async (c) => {
      const bytes = await asset()
      if (bytes === null) throw problem('not_found', 'There is no such file.')
      return c.body(bytes, 200, { 'content-type': type, 'cache-control': 'public, max-age=3600' })
    })
  }
}

const page = html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Pollhook API</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="docs/swagger-ui.css" />
    <script src="docs/swagger-ui-bundle.js" defer></script>
    <script src="docs/setup.js" defer></script>
  </head>
  <body>
    <div id="docs"></div>
    <noscript>This page needs JavaScript. The document is at <a href="openapi.json">openapi.json</a>.</noscript>
  </body>
</html>`
