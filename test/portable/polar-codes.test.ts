/** Polar 100: the codes of diagnostics are stable, and made of the names that polar.md 17 gives them. */
import { expect, test } from 'vitest'
import * as codes from '../../src/polar/codes.ts'
import * as expected from '../support/diagnostic-names.ts'

const sections = [
  ['17.1 syntax errors', codes.syntaxErrors, expected.syntaxErrorNames],
  ['17.2 block errors', codes.blockErrors, expected.blockErrorNames],
  ['17.3 rule errors', codes.ruleErrors, expected.ruleErrorNames],
  ['17.4 test errors', codes.testErrors, expected.testErrorNames],
  ['17.4 failed assertions', codes.failedAssertions, expected.failedAssertionNames],
  ['17.5 query-time errors', codes.refusals, expected.refusalNames],
  ['17.6 warnings', codes.warnings, expected.warningNames],
  ['17.6 facts no longer used', codes.factWarnings, expected.factWarningNames],
] as const

/** `not part of Polar: rule type` → `not-part-of-polar-rule-type`. */
const kebab = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')

test.each(sections)('polar 100: the codes of %s are those of its rows', (_, found, names) => {
  expect(found.filter((code) => !expected.ownCodes.includes(code))).toEqual(Object.values(names))
  expect(Object.keys(names).map(kebab)).toEqual(Object.values(names))
})

test('polar 100: no section is left out, and what has no row is known', () => {
  expect(Object.keys(codes).toSorted()).toHaveLength(sections.length)
  const without = sections.flatMap(([, found, names]) => found.filter((code) => !Object.values(names).includes(code)))
  expect(without).toEqual(expected.ownCodes)
})
