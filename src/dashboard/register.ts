/** The register form with the same call by curl beside it. Judges nothing: the API does. */
import { type Context, Hono } from 'hono'
import { html } from 'hono/html'
import { type Problem, problems } from '../http/problem.ts'
import type { DashboardEnv } from './deps.ts'
import { type Field, field } from './form.ts'
import { type Html, page } from './layout.ts'
import { curlText, type Fields, fieldsOf, registrationBody } from './registration.ts'
import { sentFields } from './sent.ts'

const inputs: readonly (Field & { name: keyof Fields })[] = [
  {
    name: 'task_token',
    label: 'Task token',
    required: true,
    mono: true,
    placeholder: '471272a512d76c22665db9dcee893409',
    hint: '32 characters, as create_task answered it.',
  },
  {
    name: 'callback_url',
    label: 'Callback URL',
    type: 'url',
    required: true,
    mono: true,
    placeholder: 'https://app.example.com/hooks/transcode',
    hint: 'Where webhooks are posted.',
  },
  {
    name: 'status_url',
    label: 'Status URL',
    type: 'url',
    mono: true,
    placeholder: 'https://master-1.qencode.com/v1/status',
    hint: 'As start_encode2 gave it. Empty: the API host is asked.',
  },
  {
    name: 'events',
    label: 'Events',
    mono: true,
    placeholder: '*',
    hint: 'Types or patterns, such as task.completed or task.*, with commas between them. Empty: all.',
  },
  {
    name: 'percent_step',
    half: true,
    label: 'Percent step',
    type: 'number',
    min: '0.1',
    max: '100',
    step: 'any',
    placeholder: '1',
    hint: 'How far progress moves between two webhooks.',
  },
  {
    name: 'expires_in',
    half: true,
    label: 'Expires in',
    type: 'number',
    min: '1',
    step: '1',
    placeholder: '86400',
    hint: 'Seconds until Pollhook stops watching.',
  },
  {
    name: 'metadata',
    label: 'Metadata',
    rows: 3,
    mono: true,
    placeholder: 'job=7',
    hint: 'One name=value a line; echoed in every webhook.',
  },
  {
    name: 'secret',
    label: 'Signing secret',
    type: 'password',
    mono: true,
    autocomplete: 'new-password',
    placeholder: 'whsec_…',
    hint: 'Empty: your own signing secret signs.',
  },
]

export function registerRoutes(): Hono<DashboardEnv> {
  const app = new Hono<DashboardEnv>()
  app.get('/register', (c) => c.html(formPage(c, fieldsOf(c.req.query()))))
  app.post('/register', async (c) => {
    const fields = fieldsOf(await sentFields(c))
    const answer = await c
      .get('api')
      .send<{ task_token: string }>('POST', '/v1/subscriptions', registrationBody(fields))
    if (answer.ok) {
      const done = answer.status === 201 ? 'registered' : 'unchanged'
      return c.redirect(`/dashboard/tasks/${answer.body.task_token}?done=${done}`, 303)
    }
    c.status(problems[answer.refusal.code].status)
    return c.html(formPage(c, fields, answer.refusal))
  })
  // The script shows this beside the form while it is filled in.
  app.post('/register/curl', async (c) => c.html(curlBlock(c, fieldsOf(await sentFields(c)))))
  return app
}

function formPage(c: Context<DashboardEnv>, fields: Fields, refusal?: Problem): Html {
  return page({
    title: 'Register',
    place: 'register',
    owner: c.get('owner').name,
    heading: 'Register a task',
    notice: refusal && { kind: 'bad', text: refusal.detail },
    main: html`${refusal?.code === 'subscription_exists' && wayOut(fields)}<div class="split">
      <form class="card halves" method="post" action="/dashboard/register" data-preview="/dashboard/register/curl">
        ${inputs.map((input) => {
          const isSecret = input.name === 'secret'
          // A secret is never written into a page.
          const value = isSecret ? '' : fields[input.name]
          const wrong = refusal?.errors?.find(({ path }) => path.split('.')[0] === input.name)?.message
          const fault =
            wrong ?? (isSecret && refusal && fields.secret !== '' ? 'Not kept: type it again.' : undefined)
          return field({ ...input, value, ...(fault !== undefined && { fault }) })
        })}
        <button class="button primary" type="submit">Register</button>
      </form>
      <aside class="card" aria-labelledby="curl-heading">
        <div class="head"><h2 id="curl-heading">The same by curl</h2><button class="button quiet" type="button" data-copy="curl" hidden>Copy</button></div>
        ${curlBlock(c, fields)}
        <p class="muted small">Equal registrations answer with the subscription that is there. All fields are in the <a href="/docs">API documentation</a>.</p>
      </aside>
    </div>`,
  })
}

/** Where the subscription that is in the way can be cancelled. */
function wayOut({ task_token }: Fields): Html {
  return html`<p>It stands on <a href="/dashboard/tasks/${encodeURIComponent(task_token)}">its task’s page</a>, where it can be cancelled.</p>`
}

function curlBlock(c: Context<DashboardEnv>, fields: Fields): Html {
  const text = curlText(publicOrigin(c), fields)
  return html`<pre class="code wrap" id="curl" tabindex="0" role="region" aria-label="curl command"><code>${text}</code></pre>`
}

/** Behind a proxy that ends TLS, the address that the reader knows. */
function publicOrigin(c: Context): string {
  const url = new URL(c.req.url)
  const forwarded = c.req.header('x-forwarded-proto')?.split(',')[0]?.trim()
  return forwarded === 'https' ? `https://${url.host}` : url.origin
}
