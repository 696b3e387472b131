/** Every file keeps the rules, and every rule catches what it is for. */
import { readdirSync, readFileSync } from 'node:fs'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { report, rules } from './rules.ts'
import type { Source } from './source.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const SKIPPED = new Set(['node_modules', '.git', '.arctos', '.wrangler', 'dist', 'coverage'])

const pathsIn = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}${sep}${entry.name}`
    if (SKIPPED.has(entry.name) || entry.name.endsWith('.log')) return []
    return entry.isDirectory() ? pathsIn(path) : entry.isFile() ? [path] : []
  })

const files = pathsIn(root.replace(/[\\/]$/, '')).map((path): Source => {
  // One character per byte where the size counts more than the text.
  const encoding = /\.(?:wasm|png|ico|gz|sqlite)$/.test(path) ? 'latin1' : 'utf8'
  return { path: relative(root, path).split(sep).join('/'), text: readFileSync(path, encoding) }
})

const head = '/** A file. */\n'
const ts = (path: string, code: string): Source => ({ path, text: head + code })
const slashed = (...parts: readonly string[]): string => ['', ...parts].join('/')

interface Plants {
  readonly bad: readonly Source[]
  readonly good: readonly Source[]
}

/** Per rule: files that it must refuse, and near misses that it must let pass. */
const plants: Readonly<Record<string, Plants>> = {
  'import direction': {
    bad: [
      ts('src/polar/a.ts', "import { b } from '../check/b.ts'"),
      ts('src/polar/a.ts', "import type { b } from '../check/b.ts'"),
      ts('src/polar/a.ts', "export { b } from '../check/b.ts'"),
      ts('src/polar/a.ts', "export * from '../check/b.ts'"),
      ts('src/polar/a.ts', "const b = await import('../check/b.ts')"),
      ts('src/polar/a.ts', "import '../check/b.ts'"),
      ts('src/client/a.ts', "import { at } from '../base/assert.ts'"),
      ts('snapshots/a.ts', "import { b } from '../runtime/b.ts'"),
      ts('runtime/a.ts', "import { b } from '../test/support/b.ts'"),
      ts('runtime/a.ts', "import { b } from '../scripts/b.ts'"),
      ts('runtime/a.ts', "import { b } from '#wasm'"),
      ts('src/new-folder/a.ts', ''),
      ts('src/a.ts', ''),
    ],
    good: [
      ts('src/polar/a.ts', "import { at } from '../base/assert.ts'\nimport { b } from './b.ts'"),
      ts('src/polar/a.ts', "// import { b } from '../check/b.ts'"),
      ts('src/polar/a.ts', 'const text = "import { b } from \'../check/b.ts\'"'),
      ts('src/client/a.ts', "import { b } from '../wire/b.ts'"),
      ts('src/store/a.ts', "import { sha256 } from '@noble/hashes/sha2.js'"),
      ts('test/a.ts', "import { b } from '../scripts/b.ts'"),
    ],
  },
  'package places': {
    bad: [ts('runtime/a.ts', "import { Kafka } from 'kafkajs'"), ts('replicator/a.ts', "import { S3Client } from '@aws-sdk/client-s3'")],
    good: [
      ts('replicator/a.ts', "import { Kafka } from 'kafkajs'"),
      ts('snapshots/node/s3.ts', "import { S3Client } from '@aws-sdk/client-s3'"),
    ],
  },
  'node modules': {
    bad: [
      ts('runtime/app.ts', "import { readFileSync } from 'node:fs'"),
      ts('src/log/a.ts', "import type { Buffer } from 'node:buffer'"),
      ts('snapshots/a.ts', "const fs = await import('node:fs')"),
    ],
    good: [
      ts('runtime/node.ts', "import { readFileSync } from 'node:fs'"),
      ts('runtime/node/log.ts', "import { DatabaseSync } from 'node:sqlite'"),
      ts('runtime/cli/main.ts', "import { readFileSync } from 'node:fs'"),
      ts('snapshots/node/file.ts', "import { readFileSync } from 'node:fs'"),
      ts('runtime/app.ts', "import { node } from './node-name.ts'"),
    ],
  },
  'purity of src': {
    bad: [
      'new Date()',
      'Date.now()',
      'Math.random()',
      'performance.now()',
      'console.log(1)',
      'process.env',
      'setTimeout(f, 1)',
      'a.localeCompare(b)',
      'f(`${Date.now()}`)',
    ].map((code) => ts('src/engine/a.ts', code)),
    good: [
      ...[
        '// Date',
        "const word = 'Date.now()'",
        'const when = row.Date',
        'Math.max(1, 2)',
        'const consoles = 1',
        'const a = { process: 1 }',
        'const a = /`Date/ // Date',
      ].map((code) => ts('src/engine/a.ts', code)),
      ts('src/client/a.ts', 'Date.now()'),
      ts('runtime/a.ts', 'Date.now()'),
    ],
  },
  'no async in store and engine': {
    bad: [
      ts('src/store/a.ts', 'const f = async () => 1'),
      ts('src/engine/a.ts', 'await f()'),
      ts('src/engine/a.ts', 'let p: Promise<void>'),
    ],
    good: [ts('src/store/a.ts', '// async would interleave'), ts('src/log/a.ts', 'const f = async () => 1')],
  },
  'SQL text in src/sql and src/store': {
    bad: [
      '`select id from entity`',
      "'SELECT 1'",
      '`\n  insert or ignore into entity values (?)`',
      "'delete from entity'",
      "'create temp table t (a)'",
      "'create unique index i on t (a)'",
      '`with recursive r(a) as (select 1) select a from r`',
      "'drop table t'",
      "'pragma cache_size=1'",
    ].map((code) => ts('src/engine/a.ts', `db.exec(${code})`)),
    good: [
      ...["'delete'", "'with'", "'with hint'", "'insert'", "'select a role'", "'create a role'"].map((code) =>
        ts('src/engine/a.ts', `f(${code})`),
      ),
      ts('src/store/a.ts', "db.exec('delete from entity')"),
      ts('src/sql/a.ts', "emit('select 1')"),
    ],
  },
  header: {
    bad: [
      { path: 'src/base/a.ts', text: 'export const a = 1\n' },
      { path: 'src/base/a.ts', text: '// A file.\n' },
      { path: 'src/base/a.ts', text: '\n/** A file. */\n' },
      { path: 'src/base/a.ts', text: '/** */\n' },
      { path: 'src/base/a.ts', text: '' },
    ],
    good: [
      ts('src/base/a.ts', ''),
      { path: 'runtime/cli/main.ts', text: `#!/usr/bin/env node\n${head}` },
      { path: 'docs/a.md', text: '# A' },
    ],
  },
  length: {
    bad: [ts('src/base/a.ts', 'let a = 1\n'.repeat(500))],
    good: [ts('src/base/a.ts', 'let a = 1\n'.repeat(499)), { path: 'docs/a.md', text: 'a\n'.repeat(900) }],
  },
  any: {
    bad: [ts('src/base/a.ts', 'f(a as any)'), ts('test/a.ts', 'f(<any>a)'), ts('test/a.ts', `// @ts-${'ignore'}`)],
    good: [ts('src/base/a.ts', "// as any other\nf('as any')"), ts('src/base/a.ts', 'f(a as anyOther)')],
  },
  words: {
    bad: [
      ts('src/base/a.ts', `// ${'TO' + 'DO'}: later`),
      ts('src/base/a.ts', `// ${'FIX' + 'ME'}`),
      { path: 'README.md', text: `see ${slashed('home', 'me', 'notes')}` },
      { path: '.ci/run', text: `cd ${slashed('work', 'main')}` },
      { path: 'docs/a.md', text: `see https://${['registry', 'example', 'com'].join('.')}/a` },
      { path: 'docs/a.md', text: `npm install --registry https://${['registry', 'npmjs', 'org'].join('.')}` },
    ],
    good: [
      ts('src/base/a.ts', "const url = '/api/work/list'"),
      ts('src/base/a.ts', 'registry.all()\nregistry.rows.finalize()'),
      ts('src/base/a.ts', '// the homework of todos, fixme-free'),
      { path: 'docs/a.md', text: 'https://example.com/home/page' },
    ],
  },
  'exact pins': {
    bad: ['^1.2.3', '~1.2.3', '1.x', '*', 'latest', '>=1.0.0', 'github:a/b'].map((version) => ({
      path: 'package.json',
      text: JSON.stringify({ devDependencies: { a: version } }),
    })),
    good: [{ path: 'package.json', text: JSON.stringify({ dependencies: { a: '1.2.3', b: '3.54.1-build1' }, engines: { node: '>=24' } }) }],
  },
  size: {
    bad: [{ path: 'docs/a.bin', text: 'a'.repeat(1024 * 1024 + 1) }],
    good: [{ path: 'docs/a.bin', text: 'a'.repeat(1024 * 1024) }],
  },
}

test('the project has files and every rule has plants', () => {
  expect(files.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['package.json', '.ci/run', 'src/base/assert.ts', 'test/tidy/tidy.test.ts']),
  )
  expect(Object.keys(plants).toSorted()).toEqual(rules.map(({ name }) => name).toSorted())
})

describe.each(rules.map((rule) => [rule.name, rule] as const))('%s', (name, rule) => {
  const { bad, good } = known(plants[name], `plants of ${name}`)

  test.each(bad.map((source) => [source.path, source.text.slice(0, 80), source] as const))('refuses %s: %j', (_path, _text, source) => {
    expect(report(rule, source)).not.toEqual([])
  })

  test.each(good.map((source) => [source.path, source.text.slice(0, 80), source] as const))('lets %s pass: %j', (_path, _text, source) => {
    expect(report(rule, source)).toEqual([])
  })

  test('holds', () => {
    expect(files.flatMap((source) => report(rule, source))).toEqual([])
  })
})

test('every dependency has its line in the ADR, with the same pin', () => {
  const text = (path: string): string =>
    known(
      files.find((file) => file.path === path),
      path,
    ).text
  const manifest = JSON.parse(text('package.json'))
  const lines = [...text('docs/adr/0001-dependencies.md').matchAll(/^\| `(.+?)` \| (.+?) \|/gm)].map(([, name, pin]) => [name, pin])
  expect(Object.fromEntries(lines)).toEqual({ ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies })
})
