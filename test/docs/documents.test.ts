/** What documents point at is there: links, files, tests by their titles; and every code block is one that a test runs. */
import { existsSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { codeBlocks, codes, documentAt, documents, links, root, tableRows } from './markdown.ts'

/**
 * `readme.test.ts`, `guides.test.ts`, `why.test.ts` and `test/portable/polar-reference.test.ts` run every block of these pages;
 * `diagnostics.test.ts` holds its page to the corpus, which `test/portable/polar-examples.test.ts` runs.
 */
const runBlocks: ReadonlySet<string> = new Set([
  'README.md',
  'docs/guides/run-a-cell.md',
  'docs/guides/why.md',
  'docs/reference/polar.md',
  'docs/reference/diagnostics.md',
])

/** Shown, and not run: they need an account of Cloudflare. */
const shownBlocks: ReadonlySet<string> = new Set(['docs/guides/deploy-workers.md'])

const isThere = (path: string): boolean => existsSync(`${root}${path}`)
/** A file or folder of the project, not a pattern. */
const PATH = /^(?:src|snapshots|replicator|runtime|scripts|test|docs|\.ci)\/[\w./-]*$|^[\w-]+\.(?:md|json|toml)$/
/** A folder of the order of imports that later versions fill. */
const NOT_YET = /^snapshots\b/

describe.each(documents.map((document) => [document.path, document] as const))('%s', (path, document) => {
  test('links lead somewhere', () => {
    const targets = links(document).filter((target) => !/^https?:/.test(target))
    const missing = targets.filter((target) => {
      const [file = '', anchor] = target.split('#')
      const found = file === '' ? path : posix.join(posix.dirname(path), file)
      return !isThere(found) || (anchor !== undefined && !anchorsOf(found).includes(anchor))
    })
    expect(missing).toEqual([])
  })

  test('files that it names exist', () => {
    const named = codes(document.text).filter((code) => PATH.test(code) && !NOT_YET.test(code))
    expect(named.filter((code) => !isThere(code))).toEqual([])
  })

  test('scripts that it names exist', () => {
    const { scripts } = JSON.parse(documentAt('package.json').text)
    const named = codes(document.text).flatMap((code) => /^npm run ([\w:-]+)/.exec(code)?.[1] ?? [])
    expect(named.filter((script) => !Object.hasOwn(scripts, script))).toEqual([])
  })

  test('code blocks are run by a test', () => {
    expect(runBlocks.has(path) || shownBlocks.has(path) ? [] : codeBlocks(document)).toEqual([])
  })
})

test('every invariant of ARCHITECTURE.md names a test that exists', () => {
  const rows = tableRows(documentAt('docs/ARCHITECTURE.md'), 'invariant', 'held by')
  const faults = rows.flatMap(([invariant = '', tests = '']) => {
    const named = [...tests.matchAll(/`([^`]+)` "([^"]+)"/g)]
    const missing = named.filter(([, file = '', title = '']) => !isThere(file) || !readFileSync(`${root}${file}`, 'utf8').includes(title))
    return named.length === 0 ? [invariant] : missing.map(([whole]) => whole)
  })
  expect(rows.length).toBeGreaterThan(20)
  expect(faults).toEqual([])
})

/** Anchors of headings, as code hosts make them. */
const anchorsOf = (path: string): string[] =>
  [...documentAt(path).text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
