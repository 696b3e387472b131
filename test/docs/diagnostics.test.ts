/** The page of diagnostics shows the examples of the corpus, letter by letter, in the order of the codes. */
import { describe, expect, test } from 'vitest'
import * as codes from '../../src/polar/codes.ts'
import { diagnosticExamples, outcomeExamples } from '../support/diagnostic-examples.ts'
import { markdownBlocks } from '../support/markdown-blocks.ts'
import { documentAt } from './markdown.ts'

const { text } = documentAt('docs/reference/diagnostics.md')
const blocks = markdownBlocks(text)

/** Codes by the section of the page that has their entries. */
const sections: readonly (readonly [section: string, codes: readonly string[]])[] = [
  ['Syntax errors', codes.syntaxErrors],
  ['Errors in blocks', codes.blockErrors],
  ['Errors in rules', codes.ruleErrors],
  ['Errors in tests', codes.testErrors],
  ['Warnings', codes.warnings],
  ['Failed assertions', codes.failedAssertions],
  ['Refused questions', codes.refusals],
  ['Facts no longer used', codes.factWarnings],
]
const entries = sections.flatMap(([section, names]) => names.map((code) => `${section}: ${code}`))

test('diagnostics.md has an entry for every code, and no other', () => {
  expect([...new Set(blocks.map(({ section, entry }) => `${section}: ${entry}`))]).toEqual(entries)
})

test('diagnostics.md has a row for every refusal', () => {
  for (const code of codes.refusals) expect(text).toContain(`| \`${code}\` | `)
})

describe.each([
  ['of a text', diagnosticExamples, sections.slice(0, 5)],
  ['of a policy that compiles', outcomeExamples, sections.slice(5)],
] as const)('diagnostics.md, %s', (_title, examples, shown) => {
  test.each(examples)('$code is shown as in the corpus', ({ code, bad, said, good }) => {
    const found = blocks.filter(({ section, entry }) => entry === code && shown.some(([title]) => title === section))
    expect(found.map((block) => ({ language: block.language, code: block.code }))).toEqual([
      bad,
      { language: 'text', code: said },
      { language: 'polar', code: good },
    ])
  })
})

test('diagnostics.md names the facts that an example is saved over', () => {
  const facts = outcomeExamples.flatMap(({ found }) => (found.by === 'saving' ? [found.text] : []))
  expect(facts.length).toBeGreaterThan(0)
  for (const fact of facts) expect(text).toContain(`With the fact \`${fact}\` in store:`)
})

test('diagnostics.md names the time or memory that a question of an example is asked with', () => {
  const bounds = outcomeExamples.flatMap(({ code, found }) =>
    found.by === 'question' && found.under !== null ? [{ code, ...found.under }] : [],
  )
  expect(bounds.map(({ unit }) => unit).toSorted()).toEqual(['MiB', 'ms'])
  for (const { code, amount, unit } of bounds)
    expect(text.split(`### ${code}\n`)[1]?.split('```')[0]).toContain(`asked with \`${amount} ${unit}\``)
})
