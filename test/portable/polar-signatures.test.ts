/** Fact signatures: which facts a policy accepts, and what a refusal says (polar.md 8, 9.6). */
import { describe, expect, test } from 'vitest'
import { emptyPolicy } from '../../src/check/check.ts'
import { acceptsFact, signatureText, suggestSignature } from '../../src/check/signatures.ts'
import { basePolicy, checkedPolicy, fact } from '../check/support.ts'

/** The policy of 9.6; its `allow` rule keeps the default allow out, so that names of permissions count. */
const policy96 = `actor Member {}
resource Vault {
  roles = ["keeper"];
  permissions = ["seal"];
  relations = { annex: Vault };
  "seal" if "keeper";
}
declare badge(Member, Integer);
has_permission(m: Member, "inspect", v: Vault) if
  clearance(m, level) and level >= 3 and not sealed(v);`

const checkAccepted = (policy: string, text: string, expected: boolean): void => {
  expect(acceptsFact(checkedPolicy(policy), fact(text))).toBe(expected)
}

describe('polar 67: the table of 9.6', () => {
  test.each([
    ['has_role(Member:ana, String:keeper, Vault:v1)', true],
    ['has_role(Member:ana, String:keper, Vault:v1)', false],
    ['has_permission(Member:ana, String:inspect, Vault:v1)', true],
    ['clearance(Member:ana, Integer:4)', true],
    ['clearance(Member:ana, String:4)', false],
    ['clearance(Member:ana)', false],
    ['sealed(Vault:v1)', true],
    ['opened(Vault:v1)', false],
    ['badge(Member:ana, Integer:7)', true],
    // Further sources and positions.
    ['has_relation(Vault:v1, String:annex, Vault:v2)', true],
    ['has_relation(Vault:v1, String:annexe, Vault:v2)', false],
    ['has_relation(Vault:v1, String:annex, Member:m)', false],
    ['has_role(Vault:v1, String:keeper, Vault:v1)', false],
    ['has_role(Member:ana, Integer:1, Vault:v1)', false],
    ['has_role(Member:ana, String:keeper)', false],
    ['allow(Member:ana, String:seal, Vault:v1)', false],
    ['allow(Member:ana, String:seal)', false],
  ])('%s: %s', (text, expected) => checkAccepted(policy96, text, expected))
})

test('polar 69: names are checked in the three predicates only', () => {
  const policy =
    'actor Member {} resource Box {} p(b: Box) if status(b, "open"); q(m: Member, b: Box) if has_relation(b, "owner", m) and has_role(m, "x", b);'
  checkAccepted(policy, 'status(Box:1, String:closed)', true)
  checkAccepted(policy, 'status(Box:1, Integer:1)', false)
  checkAccepted(policy, 'has_relation(Box:1, String:owner, Member:1)', true)
  checkAccepted(policy, 'has_relation(Box:1, String:other, Member:1)', false)
  checkAccepted(policy, 'has_role(Member:1, String:x, Box:1)', true)
  checkAccepted(policy, 'has_role(Member:1, String:y, Box:1)', false)
})

test('polar 68: an undeclared role name, and `declare` for every name', () => {
  checkAccepted(basePolicy(), 'has_role(Member:ana, String:guest, Member:x)', false)
  checkAccepted(policy96, 'has_role(Member:ana, String:guest, Vault:v1)', false)
  checkAccepted(`${policy96} declare has_role(Actor, String, Vault);`, 'has_role(Member:ana, String:guest, Vault:v1)', true)
})

test('a bare role on a relation opens the names of the related type and of its own', () => {
  checkAccepted(basePolicy(), 'has_role(Member:ana, String:anything, Vault:v1)', true)
  checkAccepted(basePolicy(), 'has_role(Member:ana, String:anything, Box:b1)', true)
  checkAccepted(basePolicy(), 'has_role(Member:ana, String:operator)', true)
  checkAccepted(basePolicy(), 'has_role(Member:ana, String:oprator)', false)
})

describe('polar 54, 55, 70: the default allow', () => {
  const facts = [
    'has_permission(User:bob, String:read, Repo:acme)',
    'has_permission(User:bob, String:read)',
    'has_permission(Any:a, Integer:1, Boolean:true)',
  ]
  test.each(['', 'actor M {}', 'declare allow(String, String, String);', basePolicy()])('applies: %s', (policy) => {
    for (const text of facts) checkAccepted(policy, text, true)
    checkAccepted(policy, 'has_permission(User:bob)', false)
    const { rules } = checkedPolicy(policy)
    expect(rules.filter(({ predicate }) => predicate === 'allow').map(({ params, span }) => [params.length, span.file])).toEqual([
      [3, -1],
      [2, -1],
    ])
    expect(rules.at(-1)?.predicate).toBe('allow')
  })
  test.each([
    'actor M {} allow(a: M, "x", b: M) if f(a, b);',
    'actor M {} allow(a: M);',
    'actor M {} allow(_: M, _: M, _: M, "field");',
    'allow();',
  ])('does not apply: %s', (policy) => {
    for (const text of facts) checkAccepted(policy, text, false)
    expect(checkedPolicy(policy).rules.filter(({ predicate, span }) => predicate === 'allow' && span.file === -1)).toEqual([])
  })
  test('a user rule `allow` is a head like any other', () =>
    checkAccepted('actor M {} allow(a: M, "x", b: M) if f(a, b);', 'allow(M:1, String:y, M:2)', true))
  test('the empty policy', () => {
    const empty = emptyPolicy()
    expect(acceptsFact(empty, fact('has_permission(User:bob, String:read, Repo:acme)'))).toBe(true)
    expect(acceptsFact(empty, fact('has_role(User:bob, String:reader, Repo:acme)'))).toBe(false)
    expect(empty.rules.map(({ predicate, params }) => `${predicate}/${params.length}`)).toEqual(['allow/3', 'allow/2'])
    expect([...empty.predicates].toSorted()).toEqual([
      'allow/2',
      'allow/3',
      'has_permission/2',
      'has_permission/3',
      'has_relation/3',
      'has_role/2',
      'has_role/3',
    ])
  })
})

test('tests and fixtures add no signature', () => {
  const { value } = { value: checkedPolicy('actor M {} test "t" { assert_not has_role(M{"a"}, "x", M{"b"}); }') }
  expect(acceptsFact(value, fact('has_role(M:a, String:x, M:b)'))).toBe(false)
})

test('types and ids with separators in them are not confused', () => {
  const policy = checkedPolicy('declare p(A, B); declare q(String);')
  expect(
    acceptsFact(policy, {
      predicate: 'p',
      args: [
        { type: 'A', id: '1' },
        { type: 'B', id: '1' },
      ],
    }),
  ).toBe(true)
  expect(acceptsFact(policy, { predicate: 'p', args: [{ type: 'A\nB', id: '1' }] })).toBe(false)
  expect(acceptsFact(policy, { predicate: 'p\nA', args: [{ type: 'B', id: '1' }] })).toBe(false)
  expect(acceptsFact(policy, { predicate: 'q', args: [] })).toBe(false)
})

test('more types than are remembered are answered all the same', () => {
  const policy = checkedPolicy('p(x) if f(x); declare g(A);')
  for (let index = 0; index < 25_000; index++) {
    expect(acceptsFact(policy, { predicate: 'f', args: [{ type: `T${index}`, id: 'x' }] })).toBe(true)
    if (index % 1000 === 0) expect(acceptsFact(policy, { predicate: 'g', args: [{ type: `T${index}`, id: 'x' }] })).toBe(false)
  }
})

test.each([
  ['has_role(Member:ana, String:keper, Vault:v1)', 'has_role(Member, "keper", Vault)', '"keeper"'],
  ['has_relation(Vault:v1, String:annexe, Vault:v2)', 'has_relation(Vault, "annexe", Vault)', '"annex"'],
  ['has_role(Member:ana, String:a"b\\c, Vault:v1)', 'has_role(Member, "a\\"b\\\\c", Vault)', null],
  ['has_role(Member:ana, Integer:4, Vault:v1)', 'has_role(Member, Integer, Vault)', null],
  ['seald(Vault:v1)', 'seald(Vault)', 'sealed'],
  ['sealed(Member:v1)', 'sealed(Member)', null],
  ['clearance(Member:ana, String:4)', 'clearance(Member, String)', null],
])('the refusal of %s', (text, signature, suggestion) => {
  expect(signatureText(fact(text))).toBe(signature)
  expect(suggestSignature(checkedPolicy(policy96), fact(text))).toBe(suggestion)
})
