/** Every code has its example in the corpus: the bad policy gives exactly that diagnostic, the good one gives none. */
import { describe, expect, test } from 'vitest'
import { unusedFacts } from '../../runtime/unused-facts.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { QueryError } from '../../src/engine/engine.ts'
import * as codes from '../../src/polar/codes.ts'
import type { Diagnostic } from '../../src/polar/diagnostic.ts'
import { decodeSource } from '../../src/polar/files.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import type { Database } from '../../src/store/database.ts'
import { type Cell, openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'
import {
  type Asking,
  type DiagnosticExample,
  diagnosticExamples,
  type OutcomeExample,
  outcomeExamples,
} from '../support/diagnostic-examples.ts'
import { failedAssertionsOf } from '../support/failed-assertions.ts'
import { ask } from '../support/question.ts'
import { worldUnixSeconds } from '../support/world.ts'

const { failedAssertions, refusals, factWarnings, ...ofText } = codes
const severities: ReadonlyMap<string, string> = new Map(codes.warnings.map((code) => [code, 'warning']))

describe('of a text', () => {
  test('the corpus has an example for every code, and no other', () => {
    expect(diagnosticExamples.map(({ code }) => code)).toEqual(Object.values(ofText).flat().toSorted())
    expect(diagnosticExamples.length).toBeGreaterThan(60)
  })

  test.each(diagnosticExamples)(
    'polar 100: $code is said about the bad example, nothing about the good one',
    ({ code, bad, said, good }) => {
      const { diagnostics, told } = diagnose(bad)
      expect(told).toBe(said)
      const severity = severities.get(code) ?? 'error'
      expect(diagnostics.map((diagnostic) => `${diagnostic.severity} ${diagnostic.code}`)).toEqual([`${severity} ${code}`])
      expect(diagnose({ language: 'polar', code: good }).told).toBe('')
    },
  )
})

/** What is found out with facts: by the tests of a policy, by a question, by saving. */
describe('of a policy that compiles', () => {
  test('the corpus has an example for every code, and no other', () => {
    expect(outcomeExamples.map(({ code }) => code)).toEqual([...failedAssertions, ...refusals, ...factWarnings].toSorted())
  })

  test.each(outcomeExamples)(
    'polar 100: $code is said about the bad example, nothing about the good one',
    ({ code, bad, said, good, found }) => {
      expect(bad.language).toBe('polar')
      expect(outcomeOf(found, bad.code)).toEqual([`${code}: ${said}`])
      expect(outcomeOf(found, good)).toEqual([])
    },
  )
})

const diagnose = ({ language, code }: DiagnosticExample['bad']): { diagnostics: readonly Diagnostic[]; told: string } => {
  const bytes = language === 'hex' ? Uint8Array.from(code.split(/\s+/), (byte) => Number.parseInt(byte, 16)) : null
  const files = [{ name: 'policy.polar', text: bytes === null ? code : new TextDecoder().decode(bytes) }]
  const { diagnostics } = bytes === null ? compilePolicy(files) : decodeSource(bytes)
  return { diagnostics, told: diagnostics.map((diagnostic) => renderDiagnostic(files, diagnostic)).join('\n') }
}

const outcomeOf = (found: OutcomeExample['found'], text: string): readonly string[] => {
  const policy = validPolicy(text)
  if (found.by === 'tests') return failedAssertionsOf(policy)
  const cell = openCell(databaseOf(found), policy, found.by === 'saving' ? found.facts : [])
  try {
    if (found.by === 'question') return refusalOf(cell, found)
    return unusedFacts({ ...cell, policy }).map(({ text: fact, hint }) => `facts-no-longer-used: ${fact} (${hint})`)
  } finally {
    cell.close()
  }
}

const databaseOf = (found: OutcomeExample['found']): Database =>
  emptyDatabase(found.by === 'question' && found.under?.unit === 'MiB' ? found.under.amount * 1024 * 1024 : undefined)

const refusalOf = ({ engine }: Cell, { question, under }: Asking): readonly string[] => {
  try {
    ask(engine, { question, contextFacts: [], unixSeconds: worldUnixSeconds }, under?.unit === 'ms' ? under.amount : undefined)
    return []
  } catch (error) {
    if (error instanceof QueryError) return [`${error.code}: ${error.message}`]
    throw error
  }
}
