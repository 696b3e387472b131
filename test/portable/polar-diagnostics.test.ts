/** Polar 100 as far as checking goes: every example line of polar.md 17.2, 17.3, 17.4 and 17.6, with its place and hint. */
import { describe, expect, test } from 'vitest'
import { locate } from '../../src/polar/locate.ts'
import { basePolicy, checkDiagnostics, checkTexts } from '../check/support.ts'

const inTest = (content: string): string => basePolicy('', `test "t" { ${content} }`)

describe('polar 100: block errors, 17.2', () => {
  test.each([
    ['unknown declaration', 'actions = ["peek"];', 'error unknown-declaration `actions`'],
    ['duplicate declaration', 'roles = ["x"];', 'error duplicate-declaration `roles` (merge the lists)'],
    ['undeclared name', '"peek" if "holdr";', 'error undeclared-name `"holdr"` (did you mean `"holder"`)'],
    [
      'undeclared name on related type',
      '"move" if "sael" on "vault";',
      'error undeclared-name-on-related-type `"sael"` (did you mean `"seal"`)',
    ],
    ['not a relation', '"peek" if "seal" on "holder";', 'error not-a-relation `"holder"` (relations of `Box`: "vault", "owner")'],
    ['relation as head', '"owner" if "holder";', 'error relation-as-head `"owner"` (write a rule `has_relation(…) if …`)'],
    ['resource relation without on', '"peek" if "vault";', 'error resource-relation-without-on `"vault"` (write `"…" on "vault"`)'],
    ['unknown word', '"peek" if holder;', 'error unknown-word `holder` (quote it: `"holder"`)'],
    ['undeclared global name', '"peek" if global "oprator";', 'error undeclared-global-name `"oprator"` (did you mean `"operator"`)'],
  ])('%s', (_, line, expected) => checkDiagnostics(basePolicy(line), [expected]))
  test.each([
    [
      'wrong declaration shape',
      'resource X { roles = { keeper: Vault }; }',
      'error wrong-declaration-shape `{ keeper: Vault }` (`roles = ["keeper"];`)',
    ],
    [
      'wrong declaration shape',
      'resource X { relations = ["vault"]; }',
      'error wrong-declaration-shape `["vault"]` (`relations = { vault: SomeType };`)',
    ],
    ['name used twice', 'resource X { roles = ["owner"]; relations = { owner: Member }; }', 'error name-used-twice `owner` (rename one)'],
    ['bad global block', 'global {}', 'error bad-global-block `global`'],
    ['reserved type name', 'resource Actor {}', 'error reserved-type-name `Actor`'],
    ['conflicting blocks', 'actor Box {}', 'error conflicting-blocks `Box`'],
    ['unknown relation type', 'resource X { relations = { vault: Vualt }; }', 'error unknown-relation-type `Vualt` (did you mean `Vault`)'],
    ['bad extends', 'resource Safe {} resource X extends Saef {}', 'error bad-extends `Saef` (did you mean `Safe`)'],
    ['bad extends, cycle', 'resource X extends Y {} resource Y extends X {}', 'error bad-extends `X`'],
    ['bad extends, kind', 'actor X extends Vault {}', 'error bad-extends `Vault`'],
    ['bad extends, conflict', 'resource X extends Vault { relations = { keeper: Member }; }', 'error bad-extends `Vault`'],
    [
      'abstract relation with on',
      'resource X { permissions = ["p"]; relations = { top: Resource }; "p" if "seal" on "top"; }',
      'error abstract-relation-with-on `"top"`',
    ],
  ])('%s', (_, items, expected) => checkDiagnostics(basePolicy('', items), [expected]))
  test('bad global block, relations', () =>
    checkDiagnostics('global { relations = { a: B }; }', [
      'error bad-global-block `relations` (move the entry to an actor or resource block)',
    ]))
})

describe('polar 100: rule errors, 17.3', () => {
  const more = 'declare ok(Member); declare member(Member); declare f(Member, Integer); declare g(Member, Integer);\n'
  test.each([
    ['bad object literal', 'p(m: Member) if f(m, 1) and m = Vault{1};', ['error bad-object-literal `Vault{1}` (`Vault{"1"}`)']],
    ['contradictory types', 'p(m: Member) if m matches Vault and ok(m);', ['error contradictory-types `m matches Vault`']],
    ['wrong operand', 'p(m: Member) if m < 3;', ['error wrong-operand `m < 3`']],
    ['wrong operand', 'p(m: Member) if ok(m) and "a" < "b";', ['error wrong-operand `"a" < "b"`']],
    [
      'unbound variable',
      'p(m: Member) if member(m) and n < 5;',
      ['error unbound-variable `n` (add a condition that gives `n` a value, or make it a parameter)'],
    ],
    [
      'variable shared by negations',
      'p(m: Member) if member(m) and not f(m, x) and not g(m, x);',
      ['error variable-shared-by-negations `x` (bind it outside, or rename it in one of them)'],
    ],
    ['bad list element', 'p(m: Member) if f(m, x) and f(m, y) and x in [y];', ['error bad-list-element `y`']],
    ['bad list element', 'p(m: Member) if f(m, x) and x in ["a", 1];', ['error bad-list-element `1`']],
    ['too many arguments', 'p(m: Member) if q(m, 1, 2, 3, 4, 5);', ['error too-many-arguments `q(m, 1, 2, 3, 4, 5)`']],
    ['zero-argument fact type', 'p(m: Member) if ok(m) and flag();', ['error zero-argument-fact-type `flag()` (use a Boolean argument)']],
  ])('%s: %s', (_, rule, expected) => checkDiagnostics(basePolicy('', more + rule), expected))
})

describe('polar 100: test errors, 17.4', () => {
  const goal = 'assert allow(Member{"bob"}, "seal", Vault{"v1"});'
  test.each([
    ['duplicate test or fixture', `${goal} } test "t" { ${goal}`, ['error duplicate-test-or-fixture `"t"` (rename one)']],
    [
      'unknown fixture',
      `setup { fixture stff; } ${goal} } test fixture staff {} test "u" { setup { fixture staff; } ${goal}`,
      ['error unknown-fixture `stff` (did you mean `staff`)'],
    ],
    ['setup fact not ground', `setup { has_role(m, "keeper", Vault{"v1"}); } ${goal}`, ['error setup-fact-not-ground `m`']],
    [
      'fact not used in policy',
      `setup { has_role(Member{"ann"}, "oprator"); } ${goal}`,
      [
        'error fact-not-used-in-policy `has_role(Member{"ann"}, "oprator");` (use it in a rule or add a `declare`; did you mean `"operator"`)',
      ],
    ],
    ['unknown goal', 'assert alow(Member{"bob"}, "seal", Vault{"v1"});', ['error unknown-goal `alow` (did you mean `allow`)']],
    ['bad assertion variable', 'assert allow(m: Actor, "seal", Vault{"v1"});', ['error bad-assertion-variable `Actor`']],
    [
      'bad iff',
      'assert allow(Member{"bob"}, "seal", Vault{"v1"}) iff what in ["a"];',
      ['error bad-iff `what in ["a"]` (write `what: String` in the goal and `iff what in [..]`)'],
    ],
  ])('%s', (_, content, expected) => checkDiagnostics(inTest(content), expected))
  test('the message of a fact that is not used', () => {
    const [diagnostic] = checkTexts(inTest(`setup { has_role(Member{"ann"}, "oprator"); } ${goal}`)).diagnostics
    expect(diagnostic?.message).toBe('`has_role(Member, "oprator")` is not used in policy')
  })
})

describe('polar 100: warnings, 17.6', () => {
  test.each([
    ['undeclared type', 'p(x: Vualt) if f(x);', ['warning undeclared-type `Vualt` (did you mean `Vault`)']],
    ['variable used once', 'p(m: Member, b: Box) if open(b);', ['warning variable-used-once `m` (rename it to `_m` or `_`)']],
    ['untyped variable', 'p(x) if f(x);', ['warning untyped-variable `x` (add `x matches SomeType`)']],
    [
      'cannot be enumerated',
      'resource Gallery { permissions = ["tour"]; } has_permission(_m: Member, "tour", g: Gallery) if not closed(g);',
      ['warning cannot-be-enumerated `g` (add a condition that binds `g`)'],
    ],
    ['can never match', 'p(m: Member) if f(m) and (m matches Vault or g(m));', ['warning can-never-match `m matches Vault`']],
    ['always true', 'p(m: Member, v: Vault) if f(m, v) and m != v;', ['warning always-true `m != v`']],
    ['always false', 'p(m: Member) if f(m, x) and x in [] and x matches String;', ['warning always-false `x in []`']],
    ['goal cannot match', 'test "t" { assert_not has_role(true, "keeper", Vault{"v1"}); }', ['warning goal-cannot-match `true`']],
    ['unknown rule flag', '@inline p(x: Box) if f(x);', ['warning unknown-rule-flag `@inline`']],
    ['duplicate rule', 'p(x: Box) if f(x); p(x: Box) if f(x);', ['warning duplicate-rule `p(x: Box)` (take one of them out)']],
    ['unused fixture', 'test fixture f { frozen(Box{"b"}); }', ['warning unused-fixture `f`']],
  ])('%s', (_, items, expected) => checkDiagnostics(basePolicy('', items), expected))
  test('unknown rule flag on shorthand', () =>
    checkDiagnostics(basePolicy('@inline @fast "peek" if "tag";'), [
      'warning unknown-rule-flag `@inline`',
      'warning unknown-rule-flag `@fast`',
    ]))
  test('abstract type without members', () =>
    checkDiagnostics('resource Box { roles = ["r"]; permissions = ["p"]; "p" if "r"; }', [
      'warning abstract-type-without-members `"p"` (declare an actor)',
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
  const warnings = Array.from({ length: 150 }, (_, i) => `p${i}(x: Box, y${i}: Box) if f(x);`)
  const { value, diagnostics } = checkTexts(basePolicy('', [...warnings, 'q(x: Box) if f(Vault{1}, x);'].join('\n')))
  expect(value).toBe(null)
  expect(diagnostics.length).toBe(100)
  expect(diagnostics.at(-1)?.code).toBe('bad-object-literal')
})
