/** The test projects: `node` runs every test, `workerd` runs the portable ones again where edges run. */
import { fileURLToPath } from 'node:url'
import { cloudflareTest } from '@cloudflare/vitest-plugin'
import { defineConfig } from 'vitest/config'

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    maxWorkers: 2,
    globalSetup: [path('test/support/no-wrappers.ts'), path('test/support/place-sqlite.ts')],
    projects: [
      {
        resolve: { alias: { '#wasm': path('test/support/wasm.node.ts') } },
        test: { name: 'node', include: ['test/**/*.test.ts'], environment: 'node', pool: 'threads', ...timeouts },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: './test/support/wrangler.toml' } })],
        resolve: { alias: { '#wasm': path('test/support/wasm.workerd.ts') } },
        test: { name: 'workerd', include: ['test/portable/**/*.test.ts'], ...timeouts },
      },
    ],
  },
})
