/** The rules of the house that no other tool checks, each a pure function over one file. */
import { posix } from 'node:path'
import { find, findIn, importsOf, isPure, isTypeScript, type Rule, type Source, type Violation, within } from './source.ts'

/** Folders in the one direction of imports: a file imports from its own folder and from those before it. */
const FOLDERS = [
  'src/base',
  'src/polar',
  'src/check',
  'src/ir',
  'src/sql',
  'src/store',
  'src/engine',
  'src/log',
  'src/wire',
  'src/ops',
  'src/client',
  'snapshots',
  'replicator',
  'runtime',
] as const

const NODE_FOLDERS = ['runtime/node.ts', 'runtime/node', 'runtime/cli', 'replicator', 'snapshots/node', 'scripts', 'test', '.ci']
const MAX_LINES = 500
const MAX_BYTES = 1024 * 1024

const folderOf = (path: string): number => FOLDERS.findIndex((folder) => within(path, folder))

/** Why a file in `folder` must not import `target`, or undefined. */
const importFault = (folder: number, target: string): string | undefined => {
  const targetFolder = folderOf(target)
  const name = FOLDERS[folder] ?? 'this folder'
  if (targetFolder === -1) return `\`${target}\` is in no folder that \`${name}\` may import`
  if (targetFolder > folder) return `\`${name}\` imports \`${target}\`, which is below it`
  if (name === 'src/client' && targetFolder !== folder && !within(target, 'src/wire'))
    return `\`src/client\` imports only \`src/wire\`, found \`${target}\``
  return undefined
}

const importDirection: Rule = {
  name: 'import direction',
  applies: (path) => isTypeScript(path) && within(path, 'src', 'snapshots', 'replicator', 'runtime'),
  check: (source) => {
    const folder = folderOf(source.path)
    if (folder === -1) return [{ line: 1, message: `\`${source.path}\` is in no folder of the list` }]
    return importsOf(source).flatMap(({ specifier, line }) => {
      if (!specifier.startsWith('.') && !specifier.startsWith('#')) return []
      const message = importFault(folder, specifier.startsWith('#') ? specifier : posix.join(posix.dirname(source.path), specifier))
      return message === undefined ? [] : [{ line, message }]
    })
  },
}

/** Packages that have one place. */
const PACKAGE_PLACES: readonly (readonly [pattern: RegExp, folders: readonly string[]])[] = [
  [/^kafkajs($|\/)/, ['replicator', 'test', 'scripts']],
  [/^@aws-sdk\//, ['snapshots', 'test', 'scripts']],
]

const packagePlaces: Rule = {
  name: 'package places',
  applies: isTypeScript,
  check: (source) =>
    importsOf(source).flatMap(({ specifier, line }) =>
      PACKAGE_PLACES.filter(([pattern, folders]) => pattern.test(specifier) && !within(source.path, ...folders)).map(([, folders]) => ({
        line,
        message: `\`${specifier}\` is imported only in ${folders.join(', ')}`,
      })),
    ),
}

const nodeModules: Rule = {
  name: 'node modules',
  applies: (path) => isTypeScript(path) && within(path, 'src', 'snapshots', 'replicator', 'runtime') && !within(path, ...NODE_FOLDERS),
  check: (source) =>
    importsOf(source)
      .filter(({ specifier }) => specifier.startsWith('node:'))
      .map(({ specifier, line }) => ({ line, message: `\`${specifier}\` in a portable file` })),
}

// Not a member of something else, and not the key of an object.
const IMPURE =
  /(?<![.\w$#])(?:Date|Math\.random|performance|console|process|setTimeout|setInterval|setImmediate|queueMicrotask|globalThis|fetch|crypto|Intl)\b(?!\s*\??:)|\.(?:localeCompare|toLocale\w+)\b/g

const purity: Rule = {
  name: 'purity of src',
  applies: isPure,
  check: (source) =>
    findIn(source, 'code', IMPURE, ([word]) => `\`${word}\` in \`src\`: clock, randomness, locale and output are parameters`),
}

const synchronous: Rule = {
  name: 'no async in store and engine',
  applies: (path) => isTypeScript(path) && within(path, 'src/store', 'src/engine'),
  check: (source) =>
    findIn(
      source,
      'code',
      /(?<![.\w$#])(?:async|await|Promise)\b/g,
      ([word]) => `\`${word}\`: whatever touches the database is synchronous`,
    ),
}

const SQL =
  /^[`'"]\s*(?:select\s[\s\S]*\bfrom\b|select\s+(?:exists|\d|\?|distinct)|insert\s+(?:or\s+\w+\s+)?into\b|delete\s+from\b|update\s+\S+\s+set\b|replace\s+into\b|create\s+(?:temp(?:orary)?\s+|unique\s+|virtual\s+)*(?:table|index|view|trigger)\b|drop\s+(?:table|index|view|trigger)\b|with\s+(?:recursive\s+)?\S+\s*(?:\([^)]*\)\s*)?as\b|pragma\s)/gi

const sqlPlaces: Rule = {
  name: 'SQL text in src/sql and src/store',
  applies: (path) => isPure(path) && !within(path, 'src/sql', 'src/store'),
  check: (source) =>
    findIn(source, 'literal', SQL, ([text]) => `SQL text ${JSON.stringify(text.slice(0, 40))} outside \`src/sql\` and \`src/store\``),
}

const header: Rule = {
  name: 'header',
  applies: isTypeScript,
  check: ({ text }) => {
    const lines = text.split('\n')
    const line = lines[0]?.startsWith('#!') === true ? 2 : 1
    const first = lines[line - 1] ?? ''
    return /^\/\*\* \S.*[.:](?: \*\/)?$/.test(first)
      ? []
      : [{ line, message: 'a file starts with one sentence in `/** … */` that says what it is for' }]
  },
}

const length: Rule = {
  name: 'length',
  applies: isTypeScript,
  check: ({ text }) => {
    const lines = text.trimEnd().split('\n').length
    return lines <= MAX_LINES ? [] : [{ line: MAX_LINES, message: `${lines} lines, at most ${MAX_LINES}: split by idea` }]
  },
}

const anyCasts: Rule = {
  name: 'any',
  applies: isTypeScript,
  check: (source) => [
    ...findIn(source, 'code', /\bas\s+(?:unknown\s+as\s+)?any\b|<any>/g, ([cast]) => `\`${cast}\``),
    ...findIn(source, 'comment', /@ts-(?:ignore|nocheck|expect-error)/g, ([word]) => `\`${word}\` hides what the checker says`),
  ],
}

// Written so that this file holds none of the words itself.
const UNFINISHED = /\b(?:TO[D]O|FIX[M]E|XX[X]|HA[C]K)\b/g
const MACHINE_PATH = /(?<![\w.~-])\/(?:work|root|home|Users)\/[\w.-]*/g
const REGISTRY =
  /\bregistry\.[a-z.]+\.(?:org|com|net|dev|io|internal|local)\b|\bnpmj[s]\.(?:org|com)\b|\bproxy\.golan[g]\.org\b|\brepo[1]?\.maven\b|\bartifactor[y]\b|\bpyp[i]\.org\b/gi

const words: Rule = {
  name: 'words',
  applies: (path) => /\.(?:ts|md|json|toml|ya?ml|sh|mjs|polar|html|css)$|^\.ci\/|^[A-Z]+$/.test(path) && path !== 'package-lock.json',
  check: ({ text }) => [
    ...find(text, UNFINISHED, ([word]) => `\`${word}\`: finish it or write an issue`),
    ...find(text, MACHINE_PATH, ([path]) => `\`${path}\` exists on one machine only`),
    ...find(text, REGISTRY, ([host]) => `\`${host}\`: registries are the reader's own`),
  ],
}

/** An older version beside a newer one has a name of its own. */
const EXACT = /^(?:npm:[\w@/.-]+@)?\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/

const exactPins: Rule = {
  name: 'exact pins',
  applies: (path) => path === 'package.json',
  check: ({ text }) => {
    const manifest: unknown = JSON.parse(text)
    return ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
      .flatMap((section) => Object.entries(fieldOf(manifest, section)))
      .filter(([, version]) => typeof version !== 'string' || !EXACT.test(version))
      .map(([name, version]) => ({ line: 1, message: `\`${name}\` is pinned exactly, found \`${String(version)}\`` }))
  },
}

const fieldOf = (value: unknown, name: string): object => {
  const field: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
  return typeof field === 'object' && field !== null ? field : {}
}

const size: Rule = {
  name: 'size',
  applies: () => true,
  check: ({ text }) => (Buffer.byteLength(text) <= MAX_BYTES ? [] : [{ line: 1, message: 'over 1 MiB' }]),
}

export const rules: readonly Rule[] = [
  importDirection,
  packagePlaces,
  nodeModules,
  purity,
  synchronous,
  sqlPlaces,
  header,
  length,
  anyCasts,
  words,
  exactPins,
  size,
]

/** What a rule says about a file, one line each. */
export const report = (rule: Rule, source: Source): string[] =>
  rule.applies(source.path) ? rule.check(source).map(({ line, message }: Violation) => `${source.path}:${line} ${message}`) : []
