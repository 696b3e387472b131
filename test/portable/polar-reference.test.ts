/** The pages about the language say what the program does: every example is compiled, every diagnostic has its entry. */
import { describe, expect, test } from 'vitest'
import { unusedFacts } from '../../runtime/unused-facts.ts'
import { limits } from '../../src/base/limits.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { type Engine, QueryError } from '../../src/engine/engine.ts'
import { runPolicyTests } from '../../src/engine/policy-tests.ts'
import {
  blockErrors,
  factWarnings,
  failedAssertions,
  refusals,
  ruleErrors,
  syntaxErrors,
  testErrors,
  warnings,
} from '../../src/polar/codes.ts'
import type { Diagnostic } from '../../src/polar/diagnostic.ts'
import { decodeSource } from '../../src/polar/files.ts'
import { locate } from '../../src/polar/locate.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import type { Store } from '../../src/store/facts.ts'
import { createStore } from '../../src/store/store.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
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
  const blocks = blocksOf('diagnostics').filter(({ section }) => section in sections)
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

/** What is found out with facts: by the tests of a policy, by a question, by saving. */
describe('diagnostics.md, of policies that compile', () => {
  const blocks = blocksOf('diagnostics').filter(({ section }) => !(section in sections))
  /** Bounds of time and memory: what reaches them depends on the machine. */
  const withoutExample = ['query-too-slow', 'query-too-large', 'query-too-complex']

  test('has an entry for every code, and no other', () => {
    const codes = [...failedAssertions, ...refusals, ...factWarnings].filter((code) => !withoutExample.includes(code))
    expect([...new Set(blocks.map(({ entry }) => entry))]).toEqual(codes)
    for (const code of withoutExample) expect(pages['../../docs/reference/diagnostics.md']).toContain(`| \`${code}\` | `)
  })

  const asked: Readonly<Record<string, (opened: Opened) => readonly string[]>> = {
    'linked-wildcards': ({ engine }) => refusalOf(() => engine.match('self', [anyMember, anyMember], plainRequest)),
    'facts-no-longer-used': (opened) => unusedFacts(opened).map(({ text, hint }) => `facts-no-longer-used: ${text} (${hint})`),
  }

  test.each([...new Set(blocks.map(({ entry }) => entry))])(
    'polar 100: %s has a bad example, what is said about it, and a good one',
    (code) => {
      const [bad, text, good, ...more] = blocks.filter(({ entry }) => entry === code)
      if (bad === undefined || text === undefined || good === undefined) throw new Error(`${code} has not three blocks`)
      expect([more, text.language, good.language]).toEqual([[], 'text', 'polar'])
      const told = ({ code: source }: MarkdownBlock) => withCell(source, asked[code] ?? failuresOf)
      expect(told(bad)).toEqual([`${code}: ${text.code}`])
      expect(told(good)).toEqual([])
    },
  )
})

interface Opened {
  readonly policy: CheckedPolicy
  readonly store: Store
  readonly engine: Engine
}

const anyMember = { type: 'Member', id: null }
const plainRequest = { contextFacts: [], unixSeconds: 1_800_000_000, nowMs: null, timeoutMs: 1000 }
const stored = {
  predicate: 'has_role',
  args: [
    { type: 'Member', id: 'ann' },
    { type: 'String', id: 'keeper' },
    { type: 'Vault', id: 'v' },
  ],
}

const withCell = (text: string, work: (opened: Opened) => readonly string[]): readonly string[] => {
  const policy = validPolicy(text)
  const cell = openCell(emptyDatabase(), policy, [stored])
  try {
    return work({ ...cell, policy })
  } finally {
    cell.close()
  }
}

const refusalOf = (ask: () => unknown): readonly string[] => {
  try {
    ask()
    return []
  } catch (error) {
    if (error instanceof QueryError) return [`${error.code}: ${error.message}`]
    throw error
  }
}

const failuresOf = ({ policy }: Opened): readonly string[] => {
  const store = createStore(emptyDatabase())
  try {
    const outcome = runPolicyTests({ policy, store, failFast: false, unixSeconds: 1_800_000_000, nowMs: () => 0, timeoutMs: 60_000 })
    if (outcome.kind !== 'finished') throw new Error('the tests did not finish')
    return outcome.failures.map(({ code, span, message }) => {
      const { file, line, column } = locate(policy.files, span)
      return `${code}: ${file}:${line}:${column}: ${message}`
    })
  } finally {
    store.database.close()
  }
}

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
