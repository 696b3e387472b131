/** The page about the language says what the program does: every example is compiled and its tests pass, every bound is told. */
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { limits } from '../../src/base/limits.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { settings } from '../../src/ops/settings.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import { failedAssertionsOf } from '../support/failed-assertions.ts'
import { markdownBlocks } from '../support/markdown-blocks.ts'

const pages = import.meta.glob('../../docs/reference/polar.md', { query: '?raw', import: 'default', eager: true })
const page = pages['../../docs/reference/polar.md'] ?? ''

describe('polar.md', () => {
  const examples = markdownBlocks(page).map((block, index) => ({ ...block, title: `${index + 1}, ${block.section}` }))

  test('tells the bounds', () => {
    const { factArguments, ruleArguments, argumentBytes, nesting, disjuncts, writeBytes, diagnostics } = limits
    const { queryTimeoutMs } = settings
    const rows = [
      `${factArguments}, ${ruleArguments}`,
      argumentBytes,
      nesting,
      disjuncts,
      `${writeBytes / 1024} KiB in production`,
      diagnostics,
      `${queryTimeoutMs.default}, ${queryTimeoutMs.maximum}`,
    ]
    const table = page.split('## Limits')[1]?.split('## ')[0] ?? ''
    expect([...table.matchAll(/ \| ([^|]+) \|$/gm)].map(([, value]) => value)).toEqual(rows.map(String))
  })

  test('has examples', () => expect(examples.length).toBeGreaterThan(15))

  test.each(examples)('example $title', ({ language, code }) => {
    expect(language).toBe('polar')
    const files = [{ name: 'policy.polar', text: code }]
    const { value, diagnostics } = compilePolicy(files)
    expect(diagnostics.map((diagnostic) => renderDiagnostic(files, diagnostic))).toEqual([])
    expect(failedAssertionsOf(known(value, 'a policy without errors'))).toEqual([])
  })
})
