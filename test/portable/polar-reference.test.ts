/** The pages about the language say what the program does: every example is compiled, every diagnostic has its entry. */
import { describe, expect, test } from 'vitest'
import { limits } from '../../src/base/limits.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { runPolicyTests } from '../../src/engine/policy-tests.ts'
import { blockErrors, ruleErrors, syntaxErrors, testErrors, warnings } from '../../src/polar/codes.ts'
import type { Diagnostic } from '../../src/polar/diagnostic.ts'
import { decodeSource } from '../../src/polar/files.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import { createStore } from '../../src/store/store.ts'
import { emptyDatabase } from '../support/database.ts'
import { type MarkdownBlock, markdownBlocks } from '../support/markdown-blocks.ts'

const pages = import.meta.glob('../../docs/reference/{polar,diagnostics}.md', { query: '?raw', import: 'default', eager: true })
const blocksOf = (page: string): MarkdownBlock[] => markdownBlocks(pages[`../../docs/reference/${page}.md`] ?? '')

/** Codes by the section of diagnostics.md that has their entries. */
const sections: Readonly<Record<string, readonly string[]>> = {
  'Syntax errors': syntaxErrors,
  'Errors in blocks': blockErrors,
  'Errors in rules': ruleErrors,
  'Errors in tests': testErrors,
  Warnings: warnings,
}

/** Hexadecimal bytes of a file, or its text. */
const diagnose = ({ language, code }: MarkdownBlock): { diagnostics: readonly Diagnostic[]; told: string } => {
  const bytes = language === 'hex' ? Uint8Array.from(code.split(/\s+/), (byte) => Number.parseInt(byte, 16)) : null
  const files = [{ name: 'policy.polar', text: bytes === null ? code : new TextDecoder().decode(bytes) }]
  const { diagnostics } = bytes === null ? compilePolicy(files) : decodeSource(bytes)
  return { diagnostics, told: diagnostics.map((diagnostic) => renderDiagnostic(files, diagnostic)).join('\n') }
}

describe('diagnostics.md', () => {
  const blocks = blocksOf('diagnostics')
  const entries = Object.entries(sections).flatMap(([section, codes]) => codes.map((code) => ({ section, code })))

  test('has an entry for every code, and no other', () => {
    const found = [...new Set(blocks.map(({ section, entry }) => `${section}: ${entry}`))]
    expect(found).toEqual(entries.map(({ section, code }) => `${section}: ${code}`))
    expect(entries.length).toBeGreaterThan(60)
  })

  test.each(entries)('polar 100: $code has a bad example, what is said about it, and a good one', ({ section, code }) => {
    const [bad, text, good, ...more] = blocks.filter(({ entry }) => entry === code)
    if (bad === undefined || text === undefined || good === undefined) throw new Error(`${code} has ${blocks.length} blocks`)
    expect([...more, text.language, good.language]).toEqual(['text', 'polar'])
    const { diagnostics, told } = diagnose(bad)
    expect(told).toBe(text.code)
    const severity = section === 'Warnings' ? 'warning' : 'error'
    expect(diagnostics.map((diagnostic) => `${diagnostic.severity} ${diagnostic.code}`)).toEqual([`${severity} ${code}`])
    expect(diagnose(good).told).toBe('')
  })
})

describe('polar.md', () => {
  const examples = blocksOf('polar').map((block, index) => ({ ...block, title: `${index + 1}, ${block.section}` }))

  test('tells the bounds', () => {
    const { factArguments, ruleArguments, argumentBytes, nesting, disjuncts, writeBytes, diagnostics } = limits
    const rows = [
      `${factArguments}, ${ruleArguments}`,
      argumentBytes,
      nesting,
      disjuncts,
      `${writeBytes / 1024} KiB in production`,
      diagnostics,
    ]
    const table = (pages['../../docs/reference/polar.md'] ?? '').split('## Limits')[1]?.split('## ')[0] ?? ''
    expect([...table.matchAll(/ \| ([^|]+) \|$/gm)].map(([, value]) => value)).toEqual(rows.map(String))
  })

  test('has examples', () => expect(examples.length).toBeGreaterThan(15))

  test.each(examples)('example $title', (example) => {
    expect(example.language).toBe('polar')
    expect(diagnose(example).told).toBe('')
    const policy = compilePolicy([{ name: 'policy.polar', text: example.code }]).value
    if (policy === null) throw new Error('a policy without errors has a value')
    const store = createStore(emptyDatabase())
    try {
      const outcome = runPolicyTests({ policy, store, failFast: false, unixSeconds: 1_800_000_000, nowMs: () => 0, timeoutMs: 60_000 })
      expect(outcome).toMatchObject({ kind: 'finished', failures: [] })
    } finally {
      store.database.close()
    }
  })
})
