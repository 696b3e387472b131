/** The files that sources name by their place: in a bundle everything stands in one folder, so each such place is written anew. */
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Plugin } from 'esbuild'

export interface FilesNamed {
  readonly plugin: Plugin
  /** Sources that run as threads, by the name of their bundle. */
  readonly threads: () => Readonly<Record<string, string>>
  /** Files to copy, by their name in the folder of the bundle. */
  readonly copies: () => Readonly<Record<string, string>>
}

/** `new URL('./worker.ts', import.meta.url)` and `import.meta.resolve('package/file.wasm')`. */
const NAMED = /new URL\('([^']+)', import\.meta\.url\)|import\.meta\.resolve\('([^']+)'\)/g

/** For a bundle in one folder directly below `root`. */
export const filesNamed = (root: string): FilesNamed => {
  const threads = new Map<string, string>()
  const copies = new Map<string, string>()
  const place = (path: string, from: string): string => {
    if (path === join(root, 'package.json')) return '../package.json'
    if (path.endsWith('.wasm')) {
      add(copies, basename(path), path)
      return `./${basename(path)}`
    }
    if (!path.endsWith('.ts'))
      throw new Error(`\`${relative(root, from)}\` names \`${relative(root, path)}\`: say in scripts/build what becomes of it`)
    const name = relative(root, path).replace(/\.ts$/, '').replaceAll(/[/\\]/g, '-')
    add(threads, name, path)
    return `./${name}.js`
  }
  const plugin: Plugin = {
    name: 'files-named',
    setup(bundler) {
      bundler.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8')
        const contents = source.replaceAll(NAMED, (_, file: string | undefined, specifier: string | undefined) => {
          if (file !== undefined) return `new URL('${place(join(dirname(path), file), path)}', import.meta.url)`
          return `new URL('${place(fileURLToPath(import.meta.resolve(specifier ?? '')), path)}', import.meta.url).href`
        })
        return { contents, loader: 'ts' }
      })
    },
  }
  return { plugin, threads: () => Object.fromEntries(threads), copies: () => Object.fromEntries(copies) }
}

const add = (files: Map<string, string>, name: string, path: string): void => {
  const other = files.get(name)
  if (other !== undefined && other !== path) throw new Error(`two files would become \`${name}\`: \`${other}\` and \`${path}\``)
  files.set(name, path)
}
