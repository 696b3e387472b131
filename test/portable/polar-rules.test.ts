/** Rules and conditions: lowering, literals, lists, lengths, safety (polar.md 5, 9.2, 10, 17.3). */
import { describe, expect, test } from 'vitest'
import { compilePolicy } from '../../src/engine/compile.ts'
import { basePolicy, checkDiagnostics, checkedPolicy, checkTexts, ruleTexts } from '../check/support.ts'

const types = 'actor Member {} resource Vault {} resource Box {}\n'
const member = 'declare member(Member);\n'

describe('polar 20: alternatives', () => {
  test('rules stay in order of files and lines, alternatives beside each other', () => {
    expect(ruleTexts(`${types} p(x: Box) if f(x);`, 'q(x: Box) if f(x) or g(x); p(x: Vault) if f(x);')).toEqual([
      'p(v1) if v1 matches Box and f(v1)',
      'q(v1) if v1 matches Box and f(v1) or v1 matches Box and g(v1)',
      'p(v1) if v1 matches Vault and f(v1)',
    ])
  })
})

describe('polar 22, 23, 24, 57: lowering', () => {
  test.each([
    ['p("a", Box{"b"}, 3);', 'p("a", Box{"b"}, 3) if '],
    ['p(x: Box, x: Box) if true;', 'p(v1, v1) if v1 matches Box and v1 matches Box'],
    ['p(x: Box, x: Box);', 'p(v1, v1) if v1 matches Box and v1 matches Box'],
    ['p(_: Box, _: Box, _);', 'p(v1, v2, v3) if v1 matches Box and v2 matches Box'],
    ['p(@current_unix_time);', 'p(now) if '],
    ['p() if false;', 'p() if '],
    ['p(x: Box) if false or f(x);', 'p(v1) if v1 matches Box and f(v1)'],
    ['p(x: Box) if f(x) and false;', 'p(v1) if '],
    ['p(x: Box) if f(x) and (g(x) or true);', 'p(v1) if v1 matches Box and f(v1) and g(v1) or v1 matches Box and f(v1)'],
    [
      'p(x: Box) if not (f(x) or g(x) and not f(x)) or g(x);',
      'p(v1) if v1 matches Box and not (f(v1) or g(v1) and not (f(v1))) or v1 matches Box and g(v1)',
    ],
    ['p(x: Box) if not false and not true and f(x);', 'p(v1) if v1 matches Box and not () and not () and f(v1)'],
    ['p(x: Box) if f(_, _) and g(x);', 'p(v1) if v1 matches Box and f(v2, v3) and g(v1)'],
    ['p(x: Box) if x matches! Box and x != Box{"1"} and f(x);', 'p(v1) if v1 matches Box and v1 matches! Box and v1 != Box{"1"} and f(v1)'],
    [
      'p(n: Integer) if n in [1, 2] and n <= 5 and @current_unix_time > n;',
      'p(v1) if v1 matches Integer and v1 in [1, 2] and v1 <= 5 and now > v1',
    ],
    ['p(Integer{3}, String{"a"}, Boolean{true}, Integer{-007});', 'p(3, "a", true, -7) if '],
  ])('%s', (rule, expected) => expect(ruleTexts(types + rule)).toEqual([expected]))
  test('`not true` has a disjunct, `not false` has none', () => {
    const literals = checkedPolicy('p() if not false; q() if not true;').rules.map(({ disjuncts }) => disjuncts[0]?.literals[0])
    expect(literals.slice(0, 2)).toMatchObject([
      { kind: 'not', disjuncts: [] },
      { kind: 'not', disjuncts: [{ literals: [] }] },
    ])
  })
})

describe('polar 25, 26: predicates without rules', () => {
  test('a call is enough', () => checkDiagnostics(`${types} p(x: Box) if unknown(x, "a");`, []))
  test('declares only', () => checkDiagnostics('declare p(String); declare p(Integer, Actor); actor M {}', []))
})

describe('polar 12: an unknown flag is ignored with a warning, as a term it is an error', () => {
  test('before a rule', () => {
    checkDiagnostics(`${types} @inline @fast::er p(x: Box) if f(x);`, [
      'warning unknown-rule-flag `@inline`',
      'warning unknown-rule-flag `@fast::er`',
    ])
    expect(ruleTexts(`${types} @inline p(x: Box) if f(x);`)).toEqual(ruleTexts(`${types} p(x: Box) if f(x);`))
  })
  test.each(['p(@now);', 'p(x: Box) if f(x, @now);', 'p(x: Box) if f(x) and x = @now;'])('%s', (rule) =>
    expect(compilePolicy([{ name: 'p', text: types + rule }]).diagnostics.map(({ code }) => code)).toEqual(['unexpected-token']),
  )
})

describe('polar 27: what a rule repeats, and what it says once', () => {
  test.each([
    ['p(x: Box) if f(x); p(y: Box) if f(y);', ['warning duplicate-rule `p(y: Box)`']],
    ['p(Box{"1"}); p(Box{"1"}) if true;', ['warning duplicate-rule `p(Box{"1"})`']],
    ['p(x: Box) if f(x); p(x: Vault) if f(x); p(x: Box) if f(x, x); p(x: Box) if not f(x) and f(x);', []],
    ['p(m: Member, b: Box) if open(b);', ['warning variable-used-once `m` (rename it to `_m` or `_`)']],
    ['p(_m: Member, b: Box) if open(b);', []],
    ['p(_: Member, b: Box) if open(b);', []],
    ['p(b: Box) if open(b) and z matches Vault;', ['warning variable-used-once `z`']],
    ['p(b: Box) if open(b, other);', ['warning variable-used-once `other`']],
  ])('%s', (rules, expected) => checkDiagnostics(types + rules, expected))
  test('in shorthand', () =>
    checkDiagnostics(basePolicy('"peek" if f(actor, resource, x); role if g(role, permission);'), [
      'warning variable-used-once `x`',
      'warning variable-used-once `permission`',
    ]))
  test('repeated shorthand', () => checkDiagnostics(basePolicy('"holder" if "owner";'), ['warning duplicate-rule `"holder"`']))
})

describe('polar 28: lengths', () => {
  const args = (length: number, of: (index: number) => string): string => Array.from({ length }, (_, index) => of(index)).join(', ')
  test('16 parameters', () => checkDiagnostics(`p(${args(16, (i) => `"${i}"`)});`, []))
  test('17 parameters', () => checkDiagnostics(`p(${args(17, String)});`, [`error too-many-arguments \`p(${args(17, String)})\``]))
  test('call of a rule with 16', () => checkDiagnostics(`p(${args(16, String)}); q() if p(${args(16, String)});`, []))
  test('fact predicate with 6', () => checkDiagnostics('q() if p(1, 2, 3, 4, 5, 6);', ['error too-many-arguments `p(1, 2, 3, 4, 5, 6)`']))
  test('fact predicate with 5', () => checkDiagnostics('q() if p(1, 2, 3, 4, 5);', []))
  test('declare with 6', () =>
    checkDiagnostics(`declare p(${args(6, () => 'String')});`, [`error too-many-arguments \`declare p(${args(6, () => 'String')});\``]))
  test('setup fact with 6', () =>
    checkDiagnostics('test "t" { setup { p(1, 2, 3, 4, 5, 6); } assert allow(1, 2, 3); }', [
      'error too-many-arguments `p(1, 2, 3, 4, 5, 6);`',
    ]))
  test('zero arguments', () => {
    checkDiagnostics(`${types} p(b: Box) if f(b) and flag();`, ['error zero-argument-fact-type `flag()` (use a Boolean argument)'])
    checkDiagnostics(`${types} flag() if g("x"); p(b: Box) if f(b) and flag();`, [])
    checkDiagnostics(basePolicy('"peek" if flag();'), ['error zero-argument-fact-type `flag()`'])
  })
})

describe('polar 58: literals', () => {
  test.each([
    ['Vault{1}', ['error bad-object-literal `Vault{1}` (`Vault{"1"}`)']],
    ['Vault{true}', ['error bad-object-literal `Vault{true}` (`Vault{"true"}`)']],
    ['Integer{"3"}', ['error bad-object-literal `Integer{"3"}`']],
    ['String{3}', ['error bad-object-literal `String{3}` (`String{"3"}`)']],
    ['Boolean{1}', ['error bad-object-literal `Boolean{1}`']],
    ['Actor{"x"}', ['error bad-object-literal `Actor{"x"}`']],
    ['Resource{"x"}', ['error bad-object-literal `Resource{"x"}`']],
    ['Vault{""}', ['error bad-object-literal `Vault{""}`']],
    ['Vault{"*"}', ['error bad-object-literal `Vault{"*"}`']],
  ])('%s', (literal, expected) => {
    checkDiagnostics(`${types} p(${literal});`, expected)
    checkDiagnostics(`${types} p(x: Vault) if f(x, ${literal});`, expected)
    checkDiagnostics(`${types} p(x: Vault) if f(x) and not x = ${literal};`, expected)
    checkDiagnostics(`${types} p(x: Vault) if x in [${literal}];`, expected)
    checkDiagnostics(`${types} declare f(String); test "t" { setup { f(${literal}); } assert f(${literal}); }`, [...expected, ...expected])
  })
  test('a policy fact too long', () => {
    const long = `"${'é'.repeat(193)}"`
    checkDiagnostics(`p(${long}, "a");`, [`error argument-too-long \`${long}\``])
    checkDiagnostics(`p("${'é'.repeat(192)}");`, [])
  })
})

describe('polar 73: lists', () => {
  test.each([
    ['p(x: Box) if f(x, y) and y in [x];', ['error bad-list-element `x`']],
    ['p(x: Box) if f(x, y) and y in ["a", 1];', ['error bad-list-element `1`']],
    [
      'p(x: Box) if f(x, y) and y in ["a", 1, Box{"x"}, @current_unix_time];',
      ['error bad-list-element `1`', 'error bad-list-element `Box{"x"}`', 'error bad-list-element `@current_unix_time`'],
    ],
    ['p(x: Box) if f(x, y) and y in [Box{"x"}, Vault{"x"}];', ['error bad-list-element `Vault{"x"}`']],
    ['p(x: Box) if f(x, y) and y in [1, Integer{2}];', []],
    ['p(x: Box) if x in [Box{"1"}, Box{"2"}];', []],
    ['p(x: Box) if f(x, y) and y in [];', ['warning untyped-variable `y`', 'warning always-false `y in []`']],
  ])('%s', (rules, expected) => checkDiagnostics(types + rules, expected))
})

describe('polar 74: operands', () => {
  test.each([
    ['p(m: Member) if m < 3;', ['error wrong-operand `m < 3`']],
    ['p() if "a" < "b";', ['error wrong-operand `"a" < "b"`']],
    ['p(m: Member) if f(m, n) and n >= Box{"1"};', ['error wrong-operand `n >= Box{"1"}`']],
    ['p(m: Member) if f(m) and (m > 3 or g(m));', ['warning can-never-match `m > 3`']],
    ['p(m: Member) if f(m) and not m > 3;', ['error wrong-operand `m > 3`']],
    ['p(m: Member) if f(m, x) and x = "a" and x > 3;', ['error wrong-operand `x > 3`']],
    ['p(m: Member) if f(m, x) and x in ["a"] and x > 3;', ['error wrong-operand `x > 3`']],
    ['p(m: Member) if f(m, n) and n < @current_unix_time;', []],
    ['p() if 9 < 10;', ['warning always-true `9 < 10`']],
    ['p() if 10 < 9;', ['warning always-false `10 < 9`']],
  ])('%s', (rules, expected) => checkDiagnostics(types + rules, expected))
})

describe('polar 75, 78: variables with and without a value', () => {
  test.each([
    [
      'p(m: Member) if member(m) and n < 5;',
      ['error unbound-variable `n` (add a condition that gives `n` a value, or make it a parameter)'],
    ],
    ['p(m: Member) if member(m) and n < 5 and n > 3;', ['error unbound-variable `n`']],
    ['p(m: Member) if member(m) and m != n and n matches Member;', ['error unbound-variable `n`']],
    ['p(m: Member) if member(m) and m != n and n = o and o = Member{"x"};', []],
    ['p(m: Member) if member(m) and m != n and n = o and member(o);', []],
    ['p(m: Member) if member(m) and n != m and n in [Member{"a"}];', []],
    ['p(m: Member) if member(m) and n < 5 and n = @current_unix_time;', []],
    ['p(m: Member, n: Integer) if member(m) and n < 5;', ['warning cannot-be-enumerated `n`']],
    ['p(m: Member, n: Integer) if member(m) and k < 5 and k = n;', ['warning cannot-be-enumerated `k`']],
    ['p(m: Member) if member(m) and _ != 3;', ['error unbound-variable `_`']],
    // Negation.
    ['p(m: Member) if member(m) and not f(m, x) and not g(m, x);', ['error variable-shared-by-negations `x`']],
    ['p(m: Member) if member(m) and (not f(m, x) or not g(m, x));', []],
    ['p(m: Member) if member(m) and not (f(m, x) and not g(m, x));', []],
    ['p(m: Member) if member(m) and not (not f(m, x) and not g(m, x));', ['error variable-shared-by-negations `x`']],
    ['p(m: Member) if member(m) and not (f(m, x) and x > 3) and not g(m, "x");', []],
    ['p(m: Member) if member(m) and not (f(m, _y) and x > 3 and g(x, m));', []],
    ['p(m: Member) if member(m) and not (x > 3 and x matches Integer);', ['error unbound-variable `x`']],
    ['p(m: Member) if member(m) and x matches Member and not f(m, x);', ['error unbound-variable `x`']],
    ['p(m: Member) if member(m) and x = y and y matches Member and not f(m, x);', ['error unbound-variable `x`']],
    ['p(m: Member) if member(m) and not f(m, _) and not g(m, _);', []],
    ['p(m: Member) if not member(m);', ['warning cannot-be-enumerated `m`']],
    ['p(m: Member) if not (member(m) and m != Member{"x"});', ['warning cannot-be-enumerated `m`']],
    ['p(m: Member) if not (m != Member{"x"});', ['warning cannot-be-enumerated `m`']],
    ['p(m: Member) if not not member(m);', ['warning cannot-be-enumerated `m`']],
    ['p(m: Member, n: Member) if not f(m, n) and not f(n, m);', ['warning cannot-be-enumerated `m`']],
  ])('%s', (rules, expected) => checkDiagnostics(types + member + declared + rules, expected))
  const declared = 'declare f(Member, Integer); declare g(Member, Integer);\n'
})

test('polar 82: `within` loads with one warning', () => {
  checkDiagnostics('within(low: Integer, high: Integer, x: Integer) if low < x and x < high;', [
    'warning cannot-be-enumerated `low` (add a condition that binds `low`, `x` and `high`)',
  ])
})

describe('polar 79: a predicate that depends on its own negation', () => {
  const codes = (rules: string): string[] =>
    compilePolicy([{ name: 'p', text: types + rules }]).diagnostics.map(({ code, message }) => `${code}: ${message}`)
  test.each([
    ['p(b: Box) if f(b) and not p(b);', 'negation-through-recursion: `p` depends on its own negation: `p(Box)` → not `p(Box)`'],
    [
      'p(b: Box) if f(b) and not q(b); q(b: Box) if g(b) and p(b);',
      'negation-through-recursion: `p` depends on its own negation: `p(Box)` → not `q(Box)` → `p(Box)`',
    ],
    [
      'p(b: Box) if q(b); q(b: Box) if r(b); r(b: Box) if f(b) and not p(b);',
      'negation-through-recursion: `r` depends on its own negation: `r(Box)` → not `p(Box)` → `q(Box)` → `r(Box)`',
    ],
    [
      'p("a", b: Box) if f(b) and not p("b", b); p("b", b: Box) if f(b) and p("a", b);',
      'negation-through-recursion: `p` depends on its own negation: `p("a", Box)` → not `p("b", Box)` → `p("a", Box)`',
    ],
  ])('%s', (rules, expected) => expect(codes(rules)).toEqual([expected]))
  test.each([
    'p("a", b: Box) if f(b) and not p("b", b); p("b", b: Box) if f(b);',
    'p(b: Box) if f(b) and v matches Vault and g(b, v) and not p(v); p(v: Vault) if h(v);',
    'resource Page { roles = ["member", "banned"]; permissions = ["view"]; "view" if "member" and not "banned"; "member" if f(actor, resource); }',
    'p(b: Box) if f(b) and not q(b); q(b: Box) if g(b) and q(b);',
  ])('%s', (rules) => expect(codes(rules)).toEqual([]))
  test('a variable for a name is every name', () => {
    expect(codes('p(n: String, b: Box) if f(n, b) and not p("b", b);')).toHaveLength(1)
    expect(codes('has_role(a: Actor, role: String, b: Box) if f(a, role, b) and not has_role(a, "banned", b);')).toHaveLength(1)
  })
})

test('the tour of 11.3', () => {
  checkDiagnostics(
    'actor Member {} resource Gallery { permissions = ["tour"]; } has_permission(_: Member, "tour", g: Gallery) if not closed(g);',
    ['warning cannot-be-enumerated `g` (add a condition that binds `g`)'],
  )
})

describe('rules that are too large', () => {
  const choices = (count: number): string => Array.from({ length: count }, (_, i) => `(f(x, ${i}) or g(x, ${i}))`).join(' and ')
  test('4096 alternatives fit', () => expect(checkedPolicy(`${types} p(x: Box) if ${choices(12)};`).rules[0]?.disjuncts.length).toBe(4096))
  test('8192 do not', () => checkDiagnostics(`${types} p(x: Box) if ${choices(13)};`, ['error rule-too-complex `p(x: Box)`']))
  test('nor 5000 in a row', () => {
    const row = Array.from({ length: 5000 }, (_, i) => `f(x, ${i})`).join(' or ')
    checkDiagnostics(`${types} p(x: Box) if ${row};`, ['error rule-too-complex `p(x: Box)`'])
  })
  test('nor does an astronomic number', () =>
    checkDiagnostics(`${types} p(x: Box) if ${choices(5000)};`, ['error rule-too-complex `p(x: Box)`']))
  test('nor inside `not`', () =>
    checkDiagnostics(`${types} p(x: Box) if f(x) and not (${choices(13)});`, ['error rule-too-complex `p(x: Box)`']))
  test('nor few branches of very many conditions', () => {
    const long = Array.from({ length: 20 }, (_, i) => `f(x, ${i})`).join(' and ')
    checkDiagnostics(`${types} p(x: Box) if ${long} and not (${choices(10)}) and ${choices(9)};`, ['error rule-too-complex `p(x: Box)`'])
  })
  test('nor many such rules together', () => {
    const rules = Array.from({ length: 40 }, (_, i) => `p${i}(x: Box) if ${choices(12)};`).join('\n')
    const { value, diagnostics } = checkTexts(types + rules)
    expect(value).toBe(null)
    expect(new Set(diagnostics.map(({ code }) => code))).toEqual(new Set(['policy-too-complex']))
  })
  test('a long rule without alternatives fits', () => {
    const long = Array.from({ length: 70_000 }, (_, i) => `f(x, ${i})`).join(' and ')
    expect(checkedPolicy(`${types} p(x: Box) if ${long};`).rules[0]?.disjuncts[0]?.literals.length).toBe(70_001)
  })
})
