import { defineConfig } from 'drizzle-kit'

// The durable-sqlite driver makes drizzle-kit write plain *.sql files, the journal and `migrations.js`:
// one folder that the Node runtime reads from disk and the Worker bundles.
export default defineConfig({
  dialect: 'sqlite',
  driver: 'durable-sqlite',
  schema: './src/store/schema.ts',
  out: './migrations',
})
