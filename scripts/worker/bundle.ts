/** The Worker as it is deployed: one minified module, and beside it the wasm modules, SQLite's without what nothing here calls. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { at } from '../../src/base/assert.ts'
import { placeFile } from './place-file.ts'
import { deployedSqlite } from './sqlite.ts'

const root = new URL('../../', import.meta.url)

const deployed = fileURLToPath(new URL('runtime/worker.ts', root))

/** Writes `worker.js`, `sqlite3.wasm` and `trampoline.wasm` into a folder; whoever runs from there meanwhile is not disturbed. */
export const bundleWorker = async (directory: string, entry: string = deployed): Promise<void> => {
  const { outputFiles } = await build({
    entryPoints: [entry],
    write: false,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    minify: true,
    legalComments: 'none',
    plugins: [besides, unmounted],
    logLevel: 'warning',
  })
  await placeFile(`${directory}/worker.js`, at(outputFiles, 0).contents)
  await placeFile(`${directory}/sqlite3.wasm`, await deployedSqlite())
  await placeFile(`${directory}/trampoline.wasm`, await readFile(new URL('src/store/trampoline.wasm', root)))
}

/** Wasm modules stay files of their own, which the platform compiles. */
const besides: Plugin = {
  name: 'wasm-beside',
  setup(bundler) {
    bundler.onResolve({ filter: /\.wasm$/ }, ({ path }) => ({ path: `./${path.split('/').at(-1) ?? ''}`, external: true }))
  },
}

/** No app is mounted into another one here, and Hono's class holds all that takes. */
const unmounted: Plugin = {
  name: 'unmounted',
  setup(bundler) {
    bundler.onLoad({ filter: /\bhono\/dist\/utils\/mount\.js$/ }, () => ({ contents: 'export const createMountedRequest = null' }))
  },
}
