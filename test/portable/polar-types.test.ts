/** Types of variables: stated, inferred, contradictory, missing (polar.md 9). */
import { describe, expect, test } from 'vitest'
import { acceptsFact } from '../../src/check/signatures.ts'
import { basePolicy, checkDiagnostics, checkedPolicy, checkTexts, fact } from '../check/support.ts'

const types =
  'actor Member {} resource Vault { roles = ["keeper"]; } resource Safe extends Vault {} resource Box { relations = { vault: Vault, owner: Member }; roles = ["holder"]; }\n'

/** What a policy says of facts: expected acceptance by fact. */
const checkAccepted = (policy: string, expected: Readonly<Record<string, boolean>>): void => {
  const checked = checkedPolicy(policy)
  expect(Object.fromEntries(Object.keys(expected).map((text) => [text, acceptsFact(checked, fact(text))]))).toEqual(expected)
}

describe('polar 59, 60: subtypes in signatures', () => {
  test('a parameter takes subtypes, `matches!` does not', () => {
    checkAccepted(`${types} p(v: Vault) if f(v); q(v: Vault) if v matches! Vault and g(v); r(s: Safe) if h(s);`, {
      'f(Safe:1)': true,
      'f(Vault:1)': true,
      'g(Safe:1)': false,
      'g(Vault:1)': true,
      'h(Safe:1)': true,
      'h(Vault:1)': false,
      'p(Safe:1)': true,
    })
  })
})

describe('polar 62: undeclared types', () => {
  test.each([
    ['p(x: Vualt) if f(x);', ['warning undeclared-type `Vualt` (did you mean `Vault`)']],
    ['p(x: Box) if f(x, y) and y matches Vualt;', ['warning undeclared-type `Vualt`']],
    ['p(x: Box) if f(x, y) and y matches! Vualt;', ['warning undeclared-type `Vualt`']],
    ['p(x: Box) if f(x, Vualt{"1"});', ['warning undeclared-type `Vualt`']],
    ['p(Vualt{"1"});', ['warning undeclared-type `Vualt`']],
    ['p(x: Box) if x in [Vualt{"1"}];', ['error contradictory-types `x in [Vualt{"1"}]`']],
    ['declare p(Vualt, Integr);', ['warning undeclared-type `Vualt`', 'warning undeclared-type `Integr` (did you mean `Integer`)']],
    ['resource X { relations = { vault: Vualt }; }', ['error unknown-relation-type `Vualt`']],
    ['resource X extends Vualt {}', ['error bad-extends `Vualt`']],
    ['p(x: Stranger) if f(x); q(x: Stranger) if f(x) and x matches Stranger;', ['warning undeclared-type `Stranger`']],
  ])('%s', (rules, expected) => checkDiagnostics(types + rules, expected))
  test('its facts are accepted, and only its own', () => {
    checkAccepted('p(x: Stranger) if f(x);', { 'f(Stranger:1)': true, 'f(Other:1)': false })
  })
})

describe('polar 63: contradictions', () => {
  test.each([
    ['p(m: Member) if m matches Vault and f(m);', ['error contradictory-types `m matches Vault`']],
    ['p(m: Member) if f(m) and (m matches Vault or m matches Member);', ['warning can-never-match `m matches Vault`']],
    [
      'p(m: Member) if f(m) and (m matches Vault or m matches Box);',
      ['error contradictory-types `m matches Vault`', 'error contradictory-types `m matches Box`'],
    ],
    ['p(m: Member, m: Vault);', ['error contradictory-types `m: Vault`']],
    ['p(m: Member) if m = "x" and f(m);', ['error contradictory-types `m = "x"`']],
    ['p(m: Member) if m = n and n matches Vault and f(n);', ['error contradictory-types `n matches Vault`']],
    ['p(m: Member) if f(m, n) and n = 1 and n = k and k = "x";', ['error contradictory-types `k = "x"`']],
    ['p(m: Member) if m in ["a"];', ['error contradictory-types `m in ["a"]`']],
    ['p(m: Member) if f(m) and 1 = "a";', ['error contradictory-types `1 = "a"`']],
    ['p(m: Member) if f(m) and 1 in ["a"];', ['error contradictory-types `1 in ["a"]`']],
    ['p(m: Member) if f(m) and @current_unix_time = "a";', ['error contradictory-types `@current_unix_time = "a"`']],
    ['p(v: Vault) if v matches Safe and f(v);', []],
    ['p(v: Resource) if v matches Member and v matches Actor and f(v);', []],
    ['p(v: Safe) if v matches! Vault and f(v);', ['error contradictory-types `v matches! Vault`']],
    ['p(m: Member) if f(m) and not m matches Vault;', ['warning can-never-match `m matches Vault`']],
    ['p(m: Resource) if f(m) and not m matches Vault;', []],
    ['p(m: Member) if f(m) and false and m matches Vault;', []],
  ])('%s', (rules, expected) => checkDiagnostics(types + rules, expected))
  test('the message names variable, types and both places', () => {
    const [diagnostic] = checkTexts(`${types} p(m: Member) if m matches Vault and f(m);`).diagnostics
    expect(diagnostic?.message).toBe('`m` cannot be both `Member` and `Vault` (see line 2)')
    expect(diagnostic?.labels.map(({ message }) => message)).toEqual(['`m` is `Member` here'])
  })
})

describe('polar 64, 65: inferred types', () => {
  test.each([
    // Untyped variables over fact predicates.
    [
      'p(x) if f(x);',
      ['warning untyped-variable `x` (add `x matches SomeType`)'],
      { 'f(Vault:1)': true, 'f(Integer:1)': true, 'p(Other:1)': true },
    ],
    [
      'p(m: Member) if f(m, x) and g(x);',
      ['warning untyped-variable `x`'],
      { 'g(Vault:1)': true, 'g(Boolean:true)': true, 'f(Box:1, Box:2)': false },
    ],
    // The example of 9.5.
    [
      'has_role(a: Member, role: String, b: Box) if has_relation(b, "vault", v) and has_role(a, role, v);',
      [],
      {
        'has_role(Member:1, String:x, Vault:1)': true,
        'has_role(Member:1, String:x, Safe:1)': true,
        'has_role(Member:1, String:x, Member:1)': false,
      },
    ],
    [
      'p(b: Box) if has_relation(b, name, x) and f(name, x);',
      [],
      { 'f(String:a, Vault:1)': true, 'f(String:a, Member:1)': true, 'f(String:a, Box:1)': false, 'f(Integer:1, Vault:1)': false },
    ],
    // Heads and declares.
    [
      'declare f(Vault, Integer); declare f(Box, String); p(x) if f(x, "s") and g(x);',
      [],
      { 'g(Box:1)': true, 'g(Vault:1)': false, 'p(Box:1)': true, 'p(Vault:1)': false },
    ],
    [
      'q(x: Vault); q(x: Member); p(x) if q(x) and f(x);',
      ['warning variable-used-once `x`', 'warning variable-used-once `x`'],
      { 'f(Vault:1)': true, 'f(Member:1)': true, 'f(Box:1)': false },
    ],
    [
      'declare f(Vault); declare f(Box); declare g(Vault); declare g(Member); p(x) if f(x) and g(x) and h(x);',
      [],
      { 'h(Vault:1)': true, 'h(Box:1)': false, 'h(Member:1)': false },
    ],
    // A literal at any position selects.
    ['q("a", v: Vault) if e(v); q("b", b: Box) if e(b); p(x) if q("a", x) and f(x);', [], { 'f(Vault:1)': true, 'f(Box:1)': false }],
    // Through several rules, and through recursion.
    [
      'declare e(Box, Vault); a(x) if b(x); b(x) if c(x, _); c(x, y) if e(x, y);',
      [],
      { 'a(Box:1)': true, 'a(Vault:1)': false, 'c(Box:1, Vault:1)': true },
    ],
    // The greatest fixpoint: a position that a rule only passes to itself stays any.
    [
      'declare e(Box, Box); r(x, y) if e(x, y); r(x, y) if e(x, z) and r(z, y);',
      ['warning untyped-variable `y`'],
      { 'r(Box:1, Box:2)': true, 'r(Vault:1, Box:2)': false, 'r(Box:1, Vault:2)': true },
    ],
    // Equality shares, negation does not narrow outwards.
    ['declare f(Vault); p(x) if x = y and f(y) and g(x);', [], { 'g(Vault:1)': true, 'g(Box:1)': false }],
    ['declare f(Vault); p(x) if g(x) and not f(x) and not h(x);', ['warning untyped-variable `x`'], { 'g(Box:1)': true, 'h(Box:1)': true }],
    ['declare f(Vault); p(x: Resource) if g(x) and not (f(y) and h(x, y));', [], { 'h(Box:1, Vault:1)': true, 'h(Box:1, Box:1)': false }],
    // A call that no entry is in reach of defines a signature of its own.
    [
      'p(b: Box) if has_relation(b, "twin", x) and f(x);',
      ['warning untyped-variable `x`'],
      { 'has_relation(Box:1, String:twin, Member:1)': true, 'f(Box:1)': true },
    ],
    // Numbers.
    ['p(m: Member) if f(m, n) and n > 3;', [], { 'f(Member:1, Integer:3)': true, 'f(Member:1, String:3)': false }],
    ['p(m: Member) if f(m, n) and n in ["a"];', [], { 'f(Member:1, String:z)': true, 'f(Member:1, Integer:3)': false }],
  ] as const)('%s', (rules, expected, accepted) => {
    checkDiagnostics(types + rules, expected)
    checkAccepted(types + rules, accepted)
  })
  test('per disjunct', () => {
    const policy = `${types} p(x: Resource) if f(x) and (x matches Vault and g(x) or x matches Box and h(x));`
    checkDiagnostics(policy, [])
    checkAccepted(policy, {
      'g(Vault:1)': true,
      'g(Box:1)': false,
      'h(Box:1)': true,
      'h(Vault:1)': false,
      'f(Box:1)': true,
      'f(Vault:1)': true,
      'f(Member:1)': false,
    })
  })
  test('no type left is a warning, and such calls add no signature', () => {
    const policy = `${types} declare f(Vault); declare g(Box); p(x) if f(x) and g(x) and h(x);`
    checkDiagnostics(policy, ['warning can-never-match `x`'])
    checkAccepted(policy, { 'h(Vault:1)': false, 'h(Box:1)': false, 'f(Vault:1)': true, 'p(Vault:1)': false })
  })
  test('a long chain of untyped rules', () => {
    const length = 2000
    const chain = Array.from({ length }, (_, index) => `p${index}(x) if p${index + 1}(x);`).join('\n')
    checkAccepted(`${types} ${chain} p${length}(_: Box);`, { 'p0(Box:1)': true, 'p0(Vault:1)': false })
  })
})

test('polar 66: a call whose stated types fit no head', () => {
  const policy = `${types} allowed(m: Member, v: Vault) if f(m, v); p(m: Member, b: Box) if allowed(m, b);`
  checkDiagnostics(policy, [])
  checkAccepted(policy, { 'allowed(Member:1, Box:1)': true, 'allowed(Member:1, Vault:1)': true, 'allowed(Box:1, Box:1)': false })
})

describe('an abstract type without members', () => {
  test('warns once', () =>
    checkDiagnostics('resource R { roles = ["r"]; permissions = ["p"]; "p" if "r"; "r" if "p"; } p(a: Actor) if f(a);', [
      'warning abstract-type-without-members `"p"`',
    ]))
  test('Resource', () => checkDiagnostics('p(a: Resource) if f(a);', ['warning abstract-type-without-members `Resource`']))
  test('is no contradiction', () =>
    checkDiagnostics('resource R {} p(a: Actor) if f(a) and a matches R and a matches Actor;', [
      'warning abstract-type-without-members `Actor`',
    ]))
  test('its positions accept nothing', () => checkAccepted('resource R { roles = ["r"]; }', { 'has_role(User:1, String:r, R:1)': false }))
})

describe('conditions that are always true or false', () => {
  test.each([
    ['p(m: Member, v: Vault) if f(m) and f(v) and m != v;', ['warning always-true `m != v`']],
    ['p(m: Member, v: Vault) if f(m) and f(v) and m != "x";', ['warning always-true `m != "x"`']],
    ['p(m: Resource, v: Vault) if f(m) and f(v) and m != v;', []],
    ['p(m: Member) if f(m) and "a" = "b";', ['warning always-false `"a" = "b"`']],
    ['p(m: Member) if f(m) and "a" != "b";', ['warning always-true `"a" != "b"`']],
    ['p(m: Member) if f(m) and 1 != "1";', ['warning always-true `1 != "1"`']],
    ['p(m: Member) if m in [];', ['warning always-false `m in []`']],
    ['p(m: Resource) if f(m) and m matches! Actor;', ['warning always-false `m matches! Actor`']],
  ])('%s', (rules, expected) => checkDiagnostics(types + rules, expected))
})

test('writing the default allow by hand, without types', () => {
  checkDiagnostics(basePolicy('', 'allow(a, action, r) if has_permission(a, action, r);'), [])
  checkDiagnostics('actor M {} allow(a, action, r) if has_permission(a, action, r);', [
    'warning untyped-variable `a`',
    'warning untyped-variable `action`',
    'warning untyped-variable `r`',
  ])
})

describe('hostile policies end', () => {
  test('an inference over very many shapes gives up, the same each time', () => {
    const heads = Array.from({ length: 3000 }, (_, i) => `q(x, "l${i}", y${i}) if e${i % 7}(x, y${i});`)
    const calls = Array.from({ length: 3000 }, (_, i) => `c${i}(x) if q(x, y, "k${i}") and d(x, y);`)
    const policy = checkedPolicy([...heads, ...calls].join('\n'))
    expect(acceptsFact(policy, fact('d(Any:1, Thing:2)'))).toBe(true)
  })
  test('a chain of extends is bounded', () => {
    const chain = Array.from({ length: 3000 }, (_, i) => `resource R${i} ${i === 0 ? '' : `extends R${i - 1} `}{ roles = ["r${i}"]; }`)
    expect(checkTexts(chain.join('\n')).diagnostics.map(({ code }) => code)).toEqual(['policy-too-complex'])
  })
  test('a deep chain without names of its own', () => {
    const chain = Array.from({ length: 600 }, (_, i) => `resource R${i} ${i === 0 ? '' : `extends R${i - 1} `}{}`)
    expect(checkedPolicy(chain.toReversed().join('\n')).concreteTypes.get('R0')?.length).toBe(600)
  })
  test('very many supertypes in one list', () => {
    const { metadata } = checkedPolicy(
      `resource A { roles = ["r"]; } resource B extends ${Array.from({ length: 150_000 }, () => 'A').join()} {}`,
    )
    expect(metadata['B']?.roles).toEqual(['r'])
  })
  test('a cycle through thousands of types', () => {
    const cycle = Array.from({ length: 5000 }, (_, i) => `resource R${i} extends R${(i + 1) % 5000} {}`)
    const { diagnostics } = checkTexts(cycle.join('\n'))
    expect(diagnostics.map(({ code }) => code).toSorted()).toEqual(['bad-extends', 'policy-too-complex'])
    expect(diagnostics.every(({ message }) => message.length < 700)).toBe(true)
  })
})
