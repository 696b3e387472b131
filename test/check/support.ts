/** Helpers of the checking tests: policies in, readable diagnostics and rules out. */
import { expect } from 'vitest'
import { known } from '../../src/base/assert.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import { checkPolicy } from '../../src/check/check.ts'
import type { CheckedPolicy, CoreLiteral, CoreRule, CoreTerm } from '../../src/check/core.ts'
import { valueText } from '../../src/check/lower-terms.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import type { Diagnostic, Outcome } from '../../src/polar/diagnostic.ts'
import { locate } from '../../src/polar/locate.ts'
import { parsePolicy } from '../../src/polar/parse.ts'

/** The policy of polar.md 7.3. Lines of the Box block can be added before its end. */
export const basePolicy = (inBox = '', after = ''): string => `actor Member {}
global {
  roles = ["operator"];
  permissions = ["open_account"];
  "open_account" if "operator";
}
resource Vault {
  roles = ["keeper", "suspended"];
  permissions = ["seal"];
  "seal" if "keeper";
}
resource Box {
  roles = ["holder"];
  permissions = ["peek", "move", "tag"];
  relations = { vault: Vault, owner: Member };
  "holder" if "owner";
  role if role on "vault";
  "peek" if "holder" or global "operator";
  "move" if "seal" on "vault" and not frozen(resource);
  "tag" if "holder" and not "suspended" on "vault";
  ${inBox}
}
${after}`

/** Parses and checks; a policy with syntax errors is a mistake of the test. */
export const checkTexts = (...texts: readonly string[]): Outcome<CheckedPolicy> => {
  const files = texts.map((text, index) => ({ name: `file${index}.polar`, text }))
  const parsed = parsePolicy(files)
  expect(parsed.diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual([])
  return checkPolicy(files, known(parsed.value, 'the parser always gives a tree'))
}

/** A policy without errors. */
export const checkedPolicy = (...texts: readonly string[]): CheckedPolicy => {
  const { value, diagnostics } = checkTexts(...texts)
  expect(diagnostics.filter(({ severity }) => severity === 'error').map(({ message }) => message)).toEqual([])
  return known(value, 'a policy without errors has a value')
}

/** Expects exactly these diagnostics, each as "error code `marked text`", with the hint behind it where it matters: "… (hint)". */
export const checkDiagnostics = (policy: string | readonly string[], expected: readonly string[]): void => {
  const texts = typeof policy === 'string' ? [policy] : policy
  const { value, diagnostics } = checkTexts(...texts)
  const lines = diagnostics.map((diagnostic, index) => {
    const line = diagnosticLine(diagnostic, texts)
    return expected[index]?.endsWith(')') === true && diagnostic.hint !== null && expected[index] !== line
      ? `${line} (${diagnostic.hint})`
      : line
  })
  expect(lines).toEqual(expected)
  expect(value === null).toBe(diagnostics.some(({ severity }) => severity === 'error'))
  for (const { message, hint } of diagnostics) checkWording(message, hint)
}

const diagnosticLine = ({ severity, code, span }: Diagnostic, texts: readonly string[]): string =>
  `${severity} ${code} \`${texts[span.file]?.slice(span.start, span.end)}\``

/** As `checkDiagnostics`, but of a whole compilation, with places and every hint: "line:column severity code `marked text` (hint)". */
export const checkPlaces = (policy: string, expected: readonly string[]): void => {
  const files = [{ name: 'policy.polar', text: policy }]
  const { value, diagnostics } = compilePolicy(files)
  const lines = diagnostics.map((diagnostic) => {
    const { line, column } = locate(files, diagnostic.span)
    return `${line}:${column} ${diagnosticLine(diagnostic, [policy])}${diagnostic.hint === null ? '' : ` (${diagnostic.hint})`}`
  })
  expect(lines).toEqual(expected)
  expect(value === null).toBe(diagnostics.some(({ severity }) => severity === 'error'))
  for (const { message, hint } of diagnostics) checkWording(message, hint)
}

/** The rules of messages in style.md. */
const checkWording = (message: string, hint: string | null): void => {
  for (const text of [message, ...(hint === null ? [] : [hint])]) {
    expect(text).not.toMatch(/\n|\.$|^[A-Z]/)
    expect(text.split('`').length % 2).toBe(1)
  }
}

/** `has_role(Member:ana, String:keeper)` → a fact. */
export const fact = (text: string): Fact => {
  const [, predicate, args] = /^(\w+)\((.*)\)$/.exec(text) ?? []
  return {
    predicate: known(predicate, text),
    args: known(args, text)
      .split(', ')
      .map((arg): Value => ({ type: arg.slice(0, arg.indexOf(':')), id: arg.slice(arg.indexOf(':') + 1) })),
  }
}

/** A rule as text; variables numbered by appearance, so that two rules that mean the same read the same. */
export const ruleText = ({ predicate, params, disjuncts }: CoreRule): string => {
  const numbers = new Map<string, string>()
  const variable = (name: string): string => {
    const found = numbers.get(name) ?? `v${numbers.size + 1}`
    numbers.set(name, found)
    return found
  }
  const term = (one: CoreTerm): string => (one.kind === 'variable' ? variable(one.name) : one.kind === 'now' ? 'now' : valueText(one.value))
  const literal = (one: CoreLiteral): string => {
    switch (one.kind) {
      case 'call':
        return `${one.predicate}(${one.args.map(term).join(', ')})`
      case 'equal':
        return `${term(one.left)} = ${term(one.right)}`
      case 'unequal':
        return `${term(one.left)} != ${term(one.right)}`
      case 'order':
        return `${term(one.left)} ${one.operator} ${term(one.right)}`
      case 'in':
        return `${term(one.term)} in [${one.values.map(valueText).join(', ')}]`
      case 'matches':
        return `${variable(one.variable)} matches${one.exact ? '!' : ''} ${one.type}`
      case 'not':
        return `not (${one.disjuncts.map(({ literals }) => literals.map(literal).join(' and ')).join(' or ')})`
    }
  }
  const head = `${predicate}(${params.map(term).join(', ')})`
  return `${head} if ${disjuncts.map(({ literals }) => literals.map(literal).join(' and ')).join(' or ')}`
}

/** Rules of a policy as text, without the implicit ones. */
export const ruleTexts = (...texts: readonly string[]): string[] =>
  checkedPolicy(...texts)
    .rules.filter(({ span }) => span.file >= 0)
    .map(ruleText)
