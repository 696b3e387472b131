/** Tests and fixtures of policies (polar.md 14, 17.4). */
import { describe, expect, test } from 'vitest'
import { basePolicy, checkDiagnostics, checkedPolicy } from '../check/support.ts'

const inTest = (content: string, more = ''): string => basePolicy('', `test "t" { ${content} }\n${more}`)
const goal = 'assert allow(Member{"bob"}, "seal", Vault{"v1"});'

describe('polar 94: structure', () => {
  test('duplicate test', () =>
    checkDiagnostics(basePolicy('', `test "x" { ${goal} } test "x" { ${goal} }`), ['error duplicate-test-or-fixture `"x"`']))
  test('duplicate test in another file', () =>
    checkDiagnostics([basePolicy('', `test "x" { ${goal} }`), `test "x" { ${goal} }`], ['error duplicate-test-or-fixture `"x"`']))
  test('duplicate fixture', () =>
    checkDiagnostics(basePolicy('', `test fixture f {} test fixture f {} test "x" { setup { fixture f; } ${goal} }`), [
      'error duplicate-test-or-fixture `f`',
    ]))
  test('a test and a fixture may share a name', () =>
    checkDiagnostics(basePolicy('', `test fixture x {} test "x" { setup { fixture x; } ${goal} }`), []))
  test('unknown fixture', () =>
    checkDiagnostics(basePolicy('', `test fixture staff {} test "x" { setup { fixture stff; fixture staff; } ${goal} }`), [
      'error unknown-fixture `stff` (did you mean `staff`)',
    ]))
  test('fixture defined after use, used twice, mixed with facts', () => {
    const policy = inTest(
      `setup { fixture a; has_role(Member{"1"}, "keeper", Vault{"1"}); fixture b; fixture a; } ${goal}`,
      'test fixture a { has_role(Member{"2"}, "keeper", Vault{"2"}); } test fixture b { has_role(Member{"3"}, "keeper", Vault{"3"}); }',
    )
    checkDiagnostics(policy, [])
    expect(checkedPolicy(policy).tests[0]?.facts.map(({ args }) => args[0]?.id)).toEqual(['2', '1', '3'])
  })
  test('unused fixture', () => checkDiagnostics(basePolicy('', 'test fixture lonely {}'), ['warning unused-fixture `lonely`']))
})

describe('polar 94: facts of setups', () => {
  test.each([
    ['has_role(m, "keeper", Vault{"v1"});', ['error setup-fact-not-ground `m`']],
    ['has_role(_, "keeper", Vault{"v1"});', ['error setup-fact-not-ground `_`']],
    ['frozen(@current_unix_time);', ['error setup-fact-not-ground `@current_unix_time`']],
    [
      'has_role(Member{"ann"}, "oprator");',
      [
        'error fact-not-used-in-policy `has_role(Member{"ann"}, "oprator");` (use it in a rule or add a `declare`; did you mean `"operator"`)',
      ],
    ],
    ['frozn(Box{"b"});', ['error fact-not-used-in-policy `frozn(Box{"b"});` (use it in a rule or add a `declare`; did you mean `frozen`)']],
    ['frozen(Vault{"b"});', ['error fact-not-used-in-policy `frozen(Vault{"b"});` (use it in a rule or add a `declare`)']],
    ['frozen(Boks{"b"});', ['error fact-not-used-in-policy `frozen(Boks{"b"});`']],
    ['has_permission(Boks{"b"}, "x");', ['warning undeclared-type `Boks` (did you mean `Box`)']],
    ['has_permission(Member{"b"}, "");', ['error bad-object-literal `""`']],
    ['has_permission(Member{"b"}, "*");', ['error bad-object-literal `"*"`']],
    ['has_permission(Member{"b"}, Vault{1});', ['error bad-object-literal `Vault{1}`']],
    [`has_permission(Member{"b"}, "${'x'.repeat(385)}");`, [`error argument-too-long \`"${'x'.repeat(385)}"\``]],
    [`has_permission(Member{"b"}, "${'x'.repeat(384)}");`, []],
  ])('%s', (line, expected) => {
    checkDiagnostics(inTest(`setup { ${line} } ${goal}`), expected)
    checkDiagnostics(inTest(`setup { fixture f; } ${goal}`, `test fixture f { ${line} }`), expected)
  })
  test('facts of predicates that a faulty rule mentions are not judged', () => {
    const facts = 'test "t" { setup { f(Box{"1"}); has_role(Member{"1"}, "nope", Member{"2"}); other(Box{"1"}); } assert f(Box{"1"}); }'
    checkDiagnostics(basePolicy('', `p(b: Box) if f(b, Vault{1}) and f(b);\n${facts}`), [
      'error bad-object-literal `Vault{1}`',
      'error fact-not-used-in-policy `has_role(Member{"1"}, "nope", Member{"2"});`',
      'error fact-not-used-in-policy `other(Box{"1"});`',
    ])
    checkDiagnostics(basePolicy('"peek" if "holdr" and f(resource);', facts), [
      'error undeclared-name `"holdr"`',
      'error fact-not-used-in-policy `other(Box{"1"});`',
    ])
  })
})

describe('polar 97, 98: goals', () => {
  test.each([
    ['assert alow(Member{"bob"}, "seal", Vault{"v1"});', ['error unknown-goal `alow` (did you mean `allow`)']],
    ['assert has_role(Member{"bob"});', ['error unknown-goal `has_role`']],
    ['assert frozen(Box{"1"}, Box{"1"});', ['error unknown-goal `frozen`']],
    ['assert frozen(Box{"1"});', []],
    ['assert allow(Member{"bob"}, "seal");', []],
    ['assert has_relation(Box{"bob"}, "vault", Vault{"v1"});', []],
    ['assert allow(m: Member, what: String, Vault{"v1"});', ['error bad-assertion-variable `what: String`']],
    ['assert allow(m: Member, "seal", m: Member);', ['error bad-assertion-variable `m: Member`']],
    ['assert allow(m, "seal", Vault{"v1"});', ['error bad-assertion-variable `m` (write `m: SomeType`)']],
    ['assert allow(_, "seal", Vault{"v1"});', ['error bad-assertion-variable `_`']],
    ['assert allow(m: Actor, "seal", Vault{"v1"});', ['error bad-assertion-variable `Actor`']],
    ['assert allow(m: Resource, "seal", Vault{"v1"});', ['error bad-assertion-variable `Resource`']],
    ['assert allow(Member{"x"}, "seal", @current_unix_time);', ['error bad-assertion-variable `@current_unix_time`']],
    ['assert allow(_: Member, "seal", Vault{"v1"});', []],
    ['assert_not allow(m: Member, "seal", Vault{"v1"});', []],
    ['assert allow(m: Membr, "seal", Vault{"v1"});', ['warning undeclared-type `Membr` (did you mean `Member`)']],
    // Wrong types.
    ['assert_not has_role(true, "keeper", Vault{"v1"});', ['warning goal-cannot-match `true`']],
    ['assert_not allow(true, "seal", Vault{"v1"});', ['warning goal-cannot-match `true`']],
    ['assert_not allow(Member{"a"}, 3, Vault{"v1"});', ['warning goal-cannot-match `3`']],
    ['assert_not has_relation(Box{"a"}, "vault", m: Member);', []],
    ['assert_not has_relation(Box{"a"}, "vault", n: Integer);', ['warning goal-cannot-match `n: Integer`']],
    ['assert_not has_relation(Member{"a"}, "owner", Member{"b"});', ['warning goal-cannot-match `Member{"a"}`']],
    ['assert_not has_role(Member{"a"}, "keeper", Member{"b"});', ['warning goal-cannot-match `Member{"b"}`']],
    ['assert_not frozen(Bocks{"a"});', ['warning undeclared-type `Bocks`']],
    ['assert_not has_role(Member{"a"}, "unheard", Vault{"b"});', []],
  ])('%s', (line, expected) => checkDiagnostics(inTest(line), expected))
  test('types that fit one by one but not together', () =>
    checkDiagnostics(
      'actor M {} resource A {} resource B {} p(a: A, b: B) if f(a, b); p(b: B, a: A) if f(b, a); test "t" { assert_not p(A{"1"}, A{"2"}); }',
      ['warning goal-cannot-match `p(A{"1"}, A{"2"})`'],
    ))
  test('a fact of the setup makes a goal possible', () =>
    checkDiagnostics(inTest('setup { has_permission(true, "seal", Vault{"v1"}); } assert allow(true, "seal", Vault{"v1"});'), []))
  test('an assertion as later stages see it', () => {
    const policy = checkedPolicy(inTest('assert_not\n  allow(m: Member,   "seal", Vault{"v1"})\n  iff m in [Member{"a"}]  ;'))
    expect(policy.tests[0]?.assertions[0]).toMatchObject({
      negated: true,
      predicate: 'allow',
      args: [null, { type: 'String', id: 'seal' }, { type: 'Vault', id: 'v1' }],
      variable: { name: 'm', position: 0, type: 'Member' },
      iff: [{ literals: [{ kind: 'in', values: [{ type: 'Member', id: 'a' }] }] }],
      text: 'assert_not allow(m: Member, "seal", Vault{"v1"}) iff m in [Member{"a"}]',
    })
  })
})

describe('polar 96: iff', () => {
  const iff = (condition: string, type = 'String'): string =>
    inTest(`assert allow(Member{"ann"}, what: ${type}, Vault{"v1"}) iff ${condition};`)
  test.each([
    ['what in ["seal"]', []],
    ['what in []', []],
    ['what = "seal" or what = "peek"', []],
    ['what != "seal"', []],
    ['has_permission(Member{"x"}, what, Vault{"v1"})', []],
    ['has_role(_, what, Vault{"v1"}) and not what = "x"', []],
    ['what matches String', []],
    ['what in [1]', ['error bad-iff `what in [1]`']],
    ['what in ["a", 1]', ['error bad-list-element `1`']],
    ['what = 1', ['error bad-iff `what = 1`']],
    ['not what = 1', ['error bad-iff `what = 1`']],
    ['what > 3', ['error wrong-operand `what > 3`']],
    ['what = other', ['error bad-iff `other`']],
    ['true', ['error bad-iff `true` (write `iff what in [..]`)']],
    ['other in ["a"]', ['error bad-iff `other in ["a"]`']],
    ['what in ["a"] and unknown(what)', ['error unknown-goal `unknown`']],
    ['what in ["a"] and _ < 3', ['error unbound-variable `_`']],
    ['what in [Vault{1}]', ['error bad-object-literal `Vault{1}`']],
  ])('%s', (condition, expected) => checkDiagnostics(iff(condition), expected))
  test('object literals for a custom type', () => {
    checkDiagnostics(inTest('assert allow(Member{"a"}, "seal", v: Vault) iff v in [Vault{"a"}];'), [])
    checkDiagnostics(inTest('assert allow(Member{"a"}, "seal", v: Vault) iff v in ["a"];'), ['error bad-iff `v in ["a"]`'])
    checkDiagnostics(inTest('assert allow(Member{"a"}, "seal", v: Vault) iff v in [Box{"a"}];'), ['error bad-iff `v in [Box{"a"}]`'])
  })
  test('without a variable, or with an anonymous one', () => {
    checkDiagnostics(inTest('assert allow(Member{"a"}, "seal", Vault{"v"}) iff v in ["a"];'), ['error bad-iff `v in ["a"]`'])
    checkDiagnostics(inTest('assert allow(_: Member, "seal", Vault{"v"}) iff v in ["a"];'), ['error bad-iff `v in ["a"]`'])
  })
  test('a number compared', () => checkDiagnostics('declare p(Integer); test "t" { assert p(n: Integer) iff n > 3 and n < 6; }', []))
})

describe('hostile tests end', () => {
  test('a large fixture in very many tests', () => {
    const facts = Array.from({ length: 2000 }, (_, i) => `f(${i});`).join(' ')
    const tests = Array.from({ length: 600 }, (_, i) => `test "t${i}" { setup { fixture big; } assert f(1); }`).join('\n')
    checkDiagnostics(`declare f(Integer); test fixture big { ${facts} } ${tests}`, ['error policy-too-complex `big`'])
  })
})
