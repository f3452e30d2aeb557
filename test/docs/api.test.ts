import { expect, it } from 'vitest'
import { apiPage } from '../../.ci/docs-page.ts'
import type { Document } from '../../.ci/docs-schema.ts'
import { testApp } from '../http/support.ts'

it('a summary that is a question ends as one', async () => {
  const document = (await (await testApp().app.request('/openapi.json')).json()) as Document
  const page = apiPage(document)
  expect(page).toContain('Does the process live? No API key needed.')
  expect(page).toContain('Register.')
  expect(page).not.toContain('?.')
})
