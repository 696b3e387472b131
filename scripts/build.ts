/** `npm run build`: `dist/`, what the package holds: the command line, its worker threads and the client as bundles, wasm files, types. */
import { spawnSync } from 'node:child_process'
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { filesNamed } from './build/files-named.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const out = `${root}dist/`

await rm(out, { recursive: true, force: true })
await mkdir(out, { recursive: true })

const found = filesNamed(root)
const options = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // They come with the package: one copy for everyone who uses them, and their own notices.
  packages: 'external',
  splitting: true,
  outdir: out,
  entryNames: '[name]',
  chunkNames: '[name]-[hash]',
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const

// A file that is started as a thread is an entry of its own, and may name further ones.
let entries: Readonly<Record<string, string>> = { arctos: `${root}runtime/cli/main.ts`, client: `${root}src/client/index.ts` }
for (let known = 0; known < Object.keys(entries).length; ) {
  known = Object.keys(entries).length
  await build({ ...options, entryPoints: entries, plugins: [found.plugin], write: false })
  entries = { ...entries, ...found.threads() }
}
await build({ ...options, entryPoints: entries, plugins: [found.plugin] })
for (const [name, path] of Object.entries(found.copies())) await copyFile(path, `${out}${name}`)

const { status } = spawnSync('tsc', ['-p', `${root}tsconfig.build.json`], { stdio: 'inherit' })
process.exitCode = status ?? 1
