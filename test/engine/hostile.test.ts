/** Policies made to be expensive: a question over them is answered or refused, and nothing hangs or runs out of memory. */
import { describe, expect, test } from 'vitest'
import { QueryError } from '../../src/engine/engine.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'

const repeat = (count: number, part: (index: number) => string, between = ' '): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(between)

const roles = (count: number): string => repeat(count, (index) => `"r${index}"`, ', ')

const policies: Readonly<Record<string, string>> = {
  'many variables of several types': `actor U {} resource B {} ${repeat(5, (i) => `resource T${i} extends B {}`)} resource D { permissions = ["p"]; }
    has_permission(u: U, "p", d: D) if ${repeat(8, (i) => `x${i} matches B and g(u, x${i})`, ' and ')} and h(x0, d);`,
  'many untyped pairs': `actor U {} resource D { permissions = ["p"]; }
    has_permission(u: U, "p", d: D) if ${repeat(60, (i) => `g(u, d${i}) and h(d${i}, d)`, ' and ')};`,
  'variables of several types that all belong together': `actor U {} ${repeat(12, (i) => `resource T${i} {}`)} resource D { permissions = ["p"]; }
    has_permission(u: U, "p", d: D) if g(u, x0) and ${repeat(9, (i) => `x${i} matches Resource and e(x${i}, x${i + 1})`, ' and ')} and h(x9, d);`,
  'multiplied disjunctions': `actor U {} resource D { permissions = ["p"]; }
    has_permission(u: U, "p", d: D) if ${repeat(10, (i) => `(a${i}(u) or b${i}(d))`, ' and ')};`,
  'a long chain of roles down a tree': `actor U {} resource D { permissions = ["p"]; roles = [${roles(400)}]; relations = { x: D };
    role if role on "x"; "p" if "r0"; ${repeat(399, (i) => `"r${i}" if "r${i + 1}";`)} }`,
  'roles that all imply one another': `actor U {} resource D { permissions = ["p"]; roles = [${roles(40)}]; "p" if "r0";
    ${repeat(40, (i) => repeat(40, (j) => (i === j ? '' : `"r${i}" if "r${j}";`)))} }`,
  'a long chain of predicates': `actor U {} resource D { permissions = ["p"]; } has_permission(u: U, "p", d: D) if p0(u, d);
    ${repeat(2000, (i) => `p${i}(u: U, d: D) if p${i + 1}(u, d);`)}`,
  'a chain of types': `actor U {} ${repeat(150, (i) => `resource R${i} { roles = [${roles(10)}]; permissions = ["p"]; relations = { x: R${Math.max(i - 1, 0)} }; role if role on "x"; "p" if "r0"; }`)}
    resource D { permissions = ["p"]; relations = { x: R149 }; "p" if "p" on "x"; }`,
  'many subtypes': `actor U {} resource B { roles = ["r"]; permissions = ["p"]; relations = { x: B }; role if role on "x"; "p" if "r"; } resource D extends B {}
    ${repeat(3000, (i) => `resource S${i} extends B {}`)}`,
}

describe.each(Object.entries(policies))('%s', (_, text) => {
  test('every kind of question ends', () => {
    const cell = openCell(emptyDatabase(), validPolicy(text), [])
    const user = { type: 'U', id: 'u' }
    const thing = { type: 'D', id: 'd' }
    const request = { contextFacts: [], unixSeconds: 0, nowMs: () => performance.now(), timeoutMs: 2000 }
    const any = { type: null, id: null }
    const questions: Readonly<Record<string, () => unknown>> = {
      authorize: () => cell.engine.authorize(user, 'p', thing, request),
      list: () => cell.engine.list(user, 'p', 'D', request),
      actions: () => cell.engine.actions(user, thing, request),
      match: () => cell.engine.match('allow', [any, any, any], request),
    }
    const answers = Object.entries(questions).map(([kind, ask]) => [kind, outcome(ask)])
    const expected = ['[]', 'false', 'query-too-complex', 'query-too-slow']
    expect(answers.filter(([, answer]) => !expected.includes(answer ?? ''))).toEqual([])
    cell.close()
  })
})

const outcome = (ask: () => unknown): string => {
  try {
    return JSON.stringify(ask())
  } catch (error) {
    if (error instanceof QueryError) return error.code
    throw error
  }
}
