/** The Worker as it is deployed: one minified module, and beside it the wasm modules, SQLite's without what nothing here calls. */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { exportNames } from '../../src/store/exports.ts'
import { trimWasm } from './trim-wasm.ts'

const root = new URL('../../', import.meta.url)

const deployed = fileURLToPath(new URL('runtime/worker.ts', root))

/** Writes `worker.js`, `sqlite3.wasm` and `trampoline.wasm` into a folder, which is made anew. */
export const bundleWorker = async (directory: string, entry: string = deployed): Promise<void> => {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  await build({
    entryPoints: [entry],
    outfile: `${directory}/worker.js`,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    minify: true,
    legalComments: 'none',
    plugins: [besides],
    logLevel: 'warning',
  })
  const sqlite = await readFile(new URL(import.meta.resolve('@sqlite.org/sqlite-wasm/sqlite3.wasm')))
  await writeFile(`${directory}/sqlite3.wasm`, trimWasm(sqlite, new Set(exportNames)))
  await writeFile(`${directory}/trampoline.wasm`, await readFile(new URL('src/store/trampoline.wasm', root)))
}

/** Wasm modules stay files of their own, which the platform compiles. */
const besides: Plugin = {
  name: 'wasm-beside',
  setup(bundler) {
    bundler.onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path: `./${path.split('/').at(-1) ?? ''}`, external: true }))
  },
}
