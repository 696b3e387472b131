/** Polar 100: every row of polar.md 17.2, 17.3, 17.4 and 17.6 that a compilation tells, with its place and hint. */
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { locate } from '../../src/polar/locate.ts'
import { basePolicy, checkPlaces, checkTexts } from '../check/support.ts'
import { blockErrorNames, type Names, ruleErrorNames, testErrorNames, warningNames } from '../support/diagnostic-names.ts'

/** What is written in the policy of 7.3, and what is said about it: "line:column severity code `marked text` (hint)". */
type Row = readonly [name: string, text: string, expected: readonly string[]]

/** Whole policies that no line in the policy of 7.3 can show. */
const alone = (text: string): string => text
const inTest = (content: string): string => basePolicy('', `test "t" { ${content} }`)
const besideBlocks = (items: string): string => basePolicy('', items)
const declared = (rule: string): string =>
  basePolicy('', `declare ok(Member); declare member(Member); declare f(Member, Integer); declare g(Member, Integer);\n${rule}`)

const goal = 'assert allow(Member{"bob"}, "seal", Vault{"v1"});'

const inBlock: readonly Row[] = [
  ['unknown declaration', 'actions = ["peek"];', ['21:3 error unknown-declaration `actions` (did you mean `permissions`)']],
  ['duplicate declaration', 'roles = ["x"];', ['21:3 error duplicate-declaration `roles` (merge the lists)']],
  ['undeclared name', '"peek" if "holdr";', ['21:13 error undeclared-name `"holdr"` (did you mean `"holder"`)']],
  [
    'undeclared name on related type',
    '"move" if "sael" on "vault";',
    ['21:13 error undeclared-name-on-related-type `"sael"` (did you mean `"seal"`)'],
  ],
  ['not a relation', '"peek" if "seal" on "holder";', ['21:23 error not-a-relation `"holder"` (relations of `Box`: "vault", "owner")']],
  ['relation as head', '"owner" if "holder";', ['21:3 error relation-as-head `"owner"` (write a rule `has_relation(…) if …`)']],
  ['resource relation without on', '"peek" if "vault";', ['21:13 error resource-relation-without-on `"vault"` (write `"…" on "vault"`)']],
  ['unknown word', '"peek" if holder;', ['21:13 error unknown-word `holder` (quote it: `"holder"`)']],
  ['undeclared global name', '"peek" if global "oprator";', ['21:20 error undeclared-global-name `"oprator"` (did you mean `"operator"`)']],
]

const blocks: readonly Row[] = [
  [
    'wrong declaration shape',
    'resource X { roles = { keeper: Vault }; }',
    ['23:22 error wrong-declaration-shape `{ keeper: Vault }` (`roles = ["keeper"];`)'],
  ],
  [
    'wrong declaration shape',
    'resource X { relations = ["vault"]; }',
    ['23:26 error wrong-declaration-shape `["vault"]` (`relations = { vault: SomeType };`)'],
  ],
  [
    'name used twice',
    'resource X { roles = ["owner"]; relations = { owner: Member }; }',
    ['23:47 error name-used-twice `owner` (rename one)'],
  ],
  ['bad global block', 'global {}', ['23:1 error bad-global-block `global` (move its entries to the first one)']],
  [
    'bad global block',
    'global { relations = { a: Box }; }',
    [
      '23:1 error bad-global-block `global` (move its entries to the first one)',
      '23:10 error bad-global-block `relations` (move the entry to an actor or resource block)',
    ],
  ],
  ['reserved type name', 'resource Actor {}', ['23:10 error reserved-type-name `Actor` (choose another name)']],
  ['conflicting blocks', 'actor Box {}', ['23:7 error conflicting-blocks `Box`']],
  [
    'unknown relation type',
    'resource X { relations = { vault: Vualt }; }',
    ['23:35 error unknown-relation-type `Vualt` (did you mean `Vault`)'],
  ],
  ['bad extends', 'resource Safe {} resource X extends Saef {}', ['23:37 error bad-extends `Saef` (did you mean `Safe`)']],
  ['bad extends', 'resource X extends Y {} resource Y extends X {}', ['23:44 error bad-extends `X` (take one `extends` out)']],
  ['bad extends', 'actor X extends Vault {}', ['23:17 error bad-extends `Vault`']],
  ['bad extends', 'resource X extends Vault { relations = { keeper: Member }; }', ['23:20 error bad-extends `Vault` (rename one)']],
  [
    'abstract relation with on',
    'resource X { permissions = ["p"]; relations = { top: Resource }; "p" if "seal" on "top"; }',
    ['23:83 error abstract-relation-with-on `"top"` (name a concrete type)'],
  ],
]

const rules: readonly Row[] = [
  ['bad object literal', 'p(m: Member) if f(m, 1) and m = Vault{1};', ['24:33 error bad-object-literal `Vault{1}` (`Vault{"1"}`)']],
  ['bad object literal', 'p(Vault{"1"}, Vault{1});', ['24:15 error bad-object-literal `Vault{1}` (`Vault{"1"}`)']],
  ['bad object literal', 'p(Actor{"x"});', ['24:3 error bad-object-literal `Actor{"x"}` (name a concrete type)']],
  ['bad object literal', 'p(Vault{""});', ['24:3 error bad-object-literal `Vault{""}`']],
  ['bad object literal', 'p(Vault{"*"});', ['24:3 error bad-object-literal `Vault{"*"}`']],
  ['bad object literal', 'p(Integer{"3"});', ['24:3 error bad-object-literal `Integer{"3"}` (`Integer{3}`)']],
  ['contradictory types', 'p(m: Member) if m matches Vault and ok(m);', ['24:17 error contradictory-types `m matches Vault`']],
  ['wrong operand', 'p(m: Member) if m < 3;', ['24:17 error wrong-operand `m < 3`']],
  ['wrong operand', 'p(m: Member) if ok(m) and "a" < "b";', ['24:27 error wrong-operand `"a" < "b"`']],
  [
    'unbound variable',
    'p(m: Member) if member(m) and n < 5;',
    ['24:31 error unbound-variable `n` (add a condition that gives `n` a value, or make it a parameter)'],
  ],
  [
    'variable shared by negations',
    'p(m: Member) if member(m) and not f(m, x) and not g(m, x);',
    ['24:56 error variable-shared-by-negations `x` (bind it outside, or rename it in one of them)'],
  ],
  [
    'negation through recursion',
    'a(m: Member) if not b(m); b(m: Member) if not a(m);',
    [
      '24:21 error negation-through-recursion `b(m)` (break the cycle)',
      '24:49 warning cannot-be-enumerated `m` (add a condition that binds `m`)',
    ],
  ],
  ['bad list element', 'p(m: Member) if f(m, x) and f(m, y) and x in [y];', ['24:47 error bad-list-element `y`']],
  ['bad list element', 'p(m: Member) if f(m, x) and x in ["a", 1];', ['24:40 error bad-list-element `1`']],
  ['too many arguments', 'p(m: Member) if q(m, 1, 2, 3, 4, 5);', ['24:17 error too-many-arguments `q(m, 1, 2, 3, 4, 5)`']],
  [
    'zero-argument fact type',
    'p(m: Member) if ok(m) and flag();',
    ['24:27 error zero-argument-fact-type `flag()` (use a Boolean argument)'],
  ],
]

const tests: readonly Row[] = [
  ['duplicate test or fixture', `${goal} } test "t" { ${goal}`, ['23:69 error duplicate-test-or-fixture `"t"` (rename one)']],
  [
    'duplicate test or fixture',
    `setup { fixture f; } ${goal} } test fixture f {} test fixture f {} test "u" { ${goal}`,
    ['23:116 error duplicate-test-or-fixture `f` (rename one)'],
  ],
  [
    'unknown fixture',
    `setup { fixture stff; } ${goal} } test fixture staff {} test "u" { setup { fixture staff; } ${goal}`,
    ['23:28 error unknown-fixture `stff` (did you mean `staff`)'],
  ],
  ['misplaced setup', `${goal} setup { frozen(Box{"b"}); }`, ['23:62 error misplaced-setup `setup` (move it to the start of the test)']],
  [
    'misplaced setup',
    `setup { frozen(Box{"b"}); } setup { frozen(Box{"c"}); } ${goal}`,
    ['23:40 error misplaced-setup `setup` (merge the two)'],
  ],
  ['empty test', '', ['23:6 error empty-test `"t"` (add `assert …;`)']],
  ['setup fact not ground', `setup { has_role(m, "keeper", Vault{"v1"}); } ${goal}`, ['23:29 error setup-fact-not-ground `m`']],
  [
    'fact not used in policy',
    `setup { has_role(Member{"ann"}, "oprator"); } ${goal}`,
    [
      '23:20 error fact-not-used-in-policy `has_role(Member{"ann"}, "oprator");` (use it in a rule or add a `declare`; did you mean `"operator"`)',
    ],
  ],
  ['unknown goal', 'assert alow(Member{"bob"}, "seal", Vault{"v1"});', ['23:19 error unknown-goal `alow` (did you mean `allow`)']],
  ['bad assertion variable', 'assert allow(m: Member, what: String, Vault{"v1"});', ['23:36 error bad-assertion-variable `what: String`']],
  ['bad assertion variable', 'assert allow(m, "seal", Vault{"v1"});', ['23:25 error bad-assertion-variable `m` (write `m: SomeType`)']],
  ['bad assertion variable', 'assert allow(m: Actor, "seal", Vault{"v1"});', ['23:28 error bad-assertion-variable `Actor`']],
  [
    'bad iff',
    'assert allow(Member{"bob"}, "seal", Vault{"v1"}) iff what in ["a"];',
    ['23:65 error bad-iff `what in ["a"]` (write `what: String` in the goal and `iff what in [..]`)'],
  ],
  [
    'bad iff',
    'assert allow(Member{"bob"}, what: String, Vault{"v1"}) iff other in ["a"];',
    ['23:71 error bad-iff `other in ["a"]` (write `iff what in [..]`)'],
  ],
  ['bad iff', 'assert allow(Member{"bob"}, what: String, Vault{"v1"}) iff what in [1];', ['23:71 error bad-iff `what in [1]`']],
]

const warnings: readonly Row[] = [
  ['undeclared type', 'p(x: Vualt) if f(x);', ['23:6 warning undeclared-type `Vualt` (did you mean `Vault`)']],
  ['variable used once', 'p(m: Member, b: Box) if open(b);', ['23:3 warning variable-used-once `m` (rename it to `_m` or `_`)']],
  ['untyped variable', 'p(x) if f(x);', ['23:3 warning untyped-variable `x` (add `x matches SomeType`)']],
  [
    'cannot be enumerated',
    'resource Gallery { permissions = ["tour"]; } has_permission(_m: Member, "tour", g: Gallery) if not closed(g);',
    ['23:107 warning cannot-be-enumerated `g` (add a condition that binds `g`)'],
  ],
  ['can never match', 'p(m: Member) if f(m) and (m matches Vault or g(m));', ['23:27 warning can-never-match `m matches Vault`']],
  ['always true', 'p(m: Member, v: Vault) if f(m, v) and m != v;', ['23:39 warning always-true `m != v`']],
  ['always false', 'p(m: Member) if f(m, x) and x in [] and x matches String;', ['23:29 warning always-false `x in []`']],
  ['goal cannot match', 'test "t" { assert_not has_role(true, "keeper", Vault{"v1"}); }', ['23:32 warning goal-cannot-match `true`']],
  ['unknown rule flag', '@inline p(x: Box) if f(x);', ['23:1 warning unknown-rule-flag `@inline`']],
  ['duplicate rule', 'p(x: Box) if f(x); p(x: Box) if f(x);', ['23:20 warning duplicate-rule `p(x: Box)` (take one of them out)']],
  ['unused fixture', 'test fixture f { frozen(Box{"b"}); }', ['23:14 warning unused-fixture `f`']],
]

const withoutActors: readonly Row[] = [
  [
    'abstract type without members',
    'resource Box { roles = ["r"]; permissions = ["p"]; "p" if "r"; }',
    ['1:52 warning abstract-type-without-members `"p"` (declare an actor)'],
  ],
]

/** Every name of `names` has its rows, which show it. */
const checkRows = (names: Names, ...groups: readonly (readonly [policyOf: (text: string) => string, rows: readonly Row[]])[]): void => {
  test('every row of the section is here', () => {
    const rows = groups.flatMap(([, group]) => group)
    expect([...new Set(rows.map(([name]) => name))].toSorted()).toEqual(Object.keys(names).toSorted())
  })
  for (const [policyOf, rows] of groups) {
    test.each(rows)('%s: %s', (name, text, expected) => {
      checkPlaces(policyOf(text), expected)
      expect(expected.map((line) => line.split(' ')[2])).toContain(known(names[name], name))
    })
  }
}

describe('polar 100: block errors, 17.2', () => {
  checkRows(blockErrorNames, [basePolicy, inBlock], [besideBlocks, blocks])
})

describe('polar 100: rule errors, 17.3', () => {
  checkRows(ruleErrorNames, [declared, rules])
})

describe('polar 100: test errors, 17.4', () => {
  checkRows(testErrorNames, [inTest, tests])
  test('the message of a fact that is not used', () => {
    const [diagnostic] = checkTexts(inTest(`setup { has_role(Member{"ann"}, "oprator"); } ${goal}`)).diagnostics
    expect(diagnostic?.message).toBe('`has_role(Member, "oprator")` is not used in policy')
  })
})

describe('polar 100: warnings, 17.6', () => {
  checkRows(warningNames, [besideBlocks, warnings], [alone, withoutActors])
  test('unknown rule flag on shorthand', () =>
    checkPlaces(basePolicy('@inline @fast "peek" if "tag";'), [
      '21:3 warning unknown-rule-flag `@inline`',
      '21:11 warning unknown-rule-flag `@fast`',
    ]))
})

test('polar 2, 100: several errors at once, in several files, sorted, with their places', () => {
  const first = basePolicy('"peek" if "holdr";\n  "move" if vault;')
  const second = '# ünïcödé 🎈\nresource X { relations = { b: Bax }; }\np(x: Box) if "🎈" = f and x < 3;'
  const { value, diagnostics } = checkTexts(first, second)
  const files = [first, second].map((text, index) => ({ name: `file${index}.polar`, text }))
  expect(value).toBe(null)
  const places = diagnostics.map(({ code, span }) => {
    const { file, line, column, length } = locate(files, span)
    return `${code} ${file}:${line}:${column} (${length})`
  })
  expect(places).toEqual([
    'undeclared-name file0.polar:21:13 (7)',
    'unknown-word file0.polar:22:13 (5)',
    'unknown-relation-type file1.polar:2:31 (3)',
    'variable-used-once file1.polar:3:20 (1)',
    'wrong-operand file1.polar:3:26 (5)',
  ])
})

test('at most 100 diagnostics, errors before warnings', () => {
  const warned = Array.from({ length: 150 }, (_, i) => `p${i}(x: Box, y${i}: Box) if f(x);`)
  const { value, diagnostics } = checkTexts(basePolicy('', [...warned, 'q(x: Box) if f(Vault{1}, x);'].join('\n')))
  expect(value).toBe(null)
  expect(diagnostics.length).toBe(100)
  expect(diagnostics.at(-1)?.code).toBe('bad-object-literal')
})
