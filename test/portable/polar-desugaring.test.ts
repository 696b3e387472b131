/** Shorthand rules and the long-hand rules they stand for (polar.md 7, 17.2). */
import { describe, expect, test } from 'vitest'
import { basePolicy, checkDiagnostics, checkedPolicy, ruleTexts } from '../check/support.ts'

/** Blocks for the tables below; `S` is where shorthand goes. */
const blocks = (shorthand: string, inGlobal = ''): string => `
actor M { roles = ["lead"]; permissions = ["call"]; relations = { boss: M }; }
global { roles = ["gr"]; permissions = ["gp"]; ${inGlobal} }
resource T { roles = ["tr"]; permissions = ["tp"]; relations = { member: M, any: Actor, site: T }; }
resource R { roles = ["r1", "r2"]; permissions = ["p1", "p2"]; relations = { t: T, owner: M, some: Actor, top: Resource, m: M }; ${shorthand} }`

const checkTwin = (shorthand: string, longhand: readonly string[], inGlobal = ''): void => {
  expect(ruleTexts(blocks(shorthand, inGlobal))).toEqual(ruleTexts(`${blocks('')} ${longhand.join('\n')}`))
}

describe('polar 39: heads', () => {
  test.each([
    ['"p1" if "r1";', 'has_permission(a: Actor, "p1", r: R) if has_role(a, "r1", r);'],
    ['"r1" if "r2";', 'has_role(a: Actor, "r1", r: R) if has_role(a, "r2", r);'],
    ['"p1" if "p2";', 'has_permission(a: Actor, "p1", r: R) if has_permission(a, "p2", r);'],
    ['"r1" if "p2";', 'has_role(a: Actor, "r1", r: R) if has_permission(a, "p2", r);'],
    ['role if "r1";', 'has_role(a: Actor, role: String, r: R) if has_role(a, "r1", r);'],
    ['permission if "r1";', 'has_permission(a: Actor, permission: String, r: R) if has_role(a, "r1", r);'],
  ])('%s', (shorthand, longhand) => checkTwin(shorthand, [longhand]))
  test.each([
    ['"gp" if "gr";', 'has_permission(a: Actor, "gp") if has_role(a, "gr");'],
    ['"gr" if "gp";', 'has_role(a: Actor, "gr") if has_permission(a, "gp");'],
    ['role if "gr";', 'has_role(a: Actor, role: String) if has_role(a, "gr");'],
    ['permission if "gr";', 'has_permission(a: Actor, permission: String) if has_role(a, "gr");'],
  ])('global: %s', (shorthand, longhand) => checkTwin('', [longhand], shorthand))
})

describe('polar 40, 41, 42, 43, 44, 45, 46, 48, 49, 50, 51: conditions', () => {
  const head = 'has_permission(a: Actor, "p1", r: R) if'
  test.each([
    // polar 40
    ['"p1" if "owner";', `${head} has_relation(r, "owner", a);`],
    ['"p1" if "some";', `${head} has_relation(r, "some", a);`],
    // polar 41
    ['"p1" if "tr" on "t";', `${head} o matches T and has_relation(r, "t", o) and has_role(a, "tr", o);`],
    ['"p1" if "tp" on "t";', `${head} o matches T and has_relation(r, "t", o) and has_permission(a, "tp", o);`],
    ['"p1" if "member" on "t";', `${head} o matches T and has_relation(r, "t", o) and has_relation(o, "member", a);`],
    ['"p1" if "any" on "t";', `${head} o matches T and has_relation(r, "t", o) and has_relation(o, "any", a);`],
    ['"p1" if "lead" on "owner";', `${head} o matches M and has_relation(r, "owner", o) and has_role(a, "lead", o);`],
    ['"p1" if "boss" on "owner";', `${head} o matches M and has_relation(r, "owner", o) and has_relation(o, "boss", a);`],
    // polar 42, 43, 44
    ['role if role on "t";', 'has_role(a: Actor, role: String, r: R) if o matches T and has_relation(r, "t", o) and has_role(a, role, o);'],
    [
      'permission if permission on "t";',
      'has_permission(a: Actor, permission: String, r: R) if o matches T and has_relation(r, "t", o) and has_permission(a, permission, o);',
    ],
    ['"p1" if role on "t";', `${head} o matches T and has_relation(r, "t", o) and n matches String and has_role(a, n, o);`],
    ['"p1" if permission on "t";', `${head} o matches T and has_relation(r, "t", o) and n matches String and has_permission(a, n, o);`],
    [
      'role if permission on "t";',
      'has_role(a: Actor, _role: String, r: R) if o matches T and has_relation(r, "t", o) and n matches String and has_permission(a, n, o);',
    ],
    // polar 45
    ['"p1" if "r1" on resource;', `${head} has_role(a, "r1", r);`],
    ['"p1" if "owner" on resource;', `${head} has_relation(r, "owner", a);`],
    ['role if role on resource;', 'has_role(a: Actor, role: String, r: R) if has_role(a, role, r);'],
    ['"p1" if role;', `${head} n matches String and has_role(a, n, r);`],
    ['"p1" if permission;', `${head} n matches String and has_permission(a, n, r);`],
    ['role if role;', 'has_role(a: Actor, role: String, r: R) if has_role(a, role, r);'],
    // polar 46
    ['"p1" if global "gr";', `has_permission(a: Actor, "p1", _: R) if has_role(a, "gr");`],
    ['"p1" if global "gp";', `has_permission(a: Actor, "p1", _: R) if has_permission(a, "gp");`],
    ['"p1" if global role;', `has_permission(a: Actor, "p1", _: R) if n matches String and has_role(a, n);`],
    ['role if global role;', `has_role(a: Actor, role: String, _: R) if has_role(a, role);`],
    ['permission if global permission;', `has_permission(a: Actor, permission: String, _: R) if has_permission(a, permission);`],
    // polar 48
    ['"p1" if f(actor, resource, "x", 3, @current_unix_time);', `${head} f(a, r, "x", 3, @current_unix_time);`],
    ['role if f(role, actor) and "r1";', 'has_role(a: Actor, role: String, r: R) if f(role, a) and has_role(a, "r1", r);'],
    ['"p1" if f(actor, x) and g(x, resource);', `${head} f(a, x) and g(x, r);`],
    // polar 49
    ['"p1" if "r1" and "r2" or "owner";', `${head} has_role(a, "r1", r) and has_role(a, "r2", r) or has_relation(r, "owner", a);`],
    ['"p1" if "r1" and ("r2" or "owner");', `${head} has_role(a, "r1", r) and (has_role(a, "r2", r) or has_relation(r, "owner", a));`],
    [
      '"p1" if "tr" on "t" or "member" on "t";',
      `${head} o matches T and has_relation(r, "t", o) and has_role(a, "tr", o) or q matches T and has_relation(r, "t", q) and has_relation(q, "member", a);`,
    ],
    // polar 50
    [
      '"p1" if "r1" and not "tr" on "t";',
      `${head} has_role(a, "r1", r) and not (o matches T and has_relation(r, "t", o) and has_role(a, "tr", o));`,
    ],
    ['"p1" if "r1" and not ("r2" or f(resource));', `${head} has_role(a, "r1", r) and not (has_role(a, "r2", r) or f(r));`],
    // polar 51
    ['"p1" if "p1";', `${head} has_permission(a, "p1", r);`],
  ])('%s', (shorthand, longhand) => checkTwin(shorthand, [longhand]))
})

test('each `on` has a variable of its own, and each any-role too', () => {
  expect(ruleTexts(blocks('"p1" if "tr" on "t" and "tp" on "t" and role and role;')).at(-1)).toBe(
    'has_permission(v1, "p1", v2) if v1 matches Actor and v2 matches R and v3 matches T and has_relation(v2, "t", v3) and has_role(v1, "tr", v3)' +
      ' and v4 matches T and has_relation(v2, "t", v4) and has_permission(v1, "tp", v4)' +
      ' and v5 matches String and has_role(v1, v5, v2) and v6 matches String and has_role(v1, v6, v2)',
  )
})

test('generated variables are `actor`, `resource`, and the word of the head', () => {
  const [rule] = checkedPolicy(blocks('role if role on "t";')).rules
  expect(rule?.params).toEqual(['actor', 'role', 'resource'].map((name) => ({ kind: 'variable', name })))
  expect(rule?.disjuncts[0]?.literals.map((literal) => (literal.kind === 'matches' ? literal.variable : literal.kind))).toEqual([
    'actor',
    'role',
    'resource',
    'o#1',
    'call',
    'call',
  ])
})

describe('polar 52: erroneous rows', () => {
  test.each([
    // 7.1
    ['"owner" if "r1";', ['error relation-as-head `"owner"` (write a rule `has_relation(…) if …`)']],
    ['"p3" if "r1";', ['error undeclared-name `"p3"` (did you mean `"p1"`)']],
    ['banner if "r1";', ['error unknown-word `banner` (quote it: `"banner"`)']],
    ['resource if "r1";', ['error unknown-word `resource`']],
    // 7.2
    ['"p1" if "t";', ['error resource-relation-without-on `"t"` (write `"…" on "t"`)']],
    ['"p1" if "top";', ['error resource-relation-without-on `"top"`']],
    ['"p1" if "site" on "t";', ['error resource-relation-without-on `"site"`']],
    ['"p1" if "r1" on banner;', ['error unknown-word `banner`']],
    ['"p1" if banner on "t";', ['error unknown-word `banner`']],
    ['"p1" if actor;', ['error unknown-word `actor`']],
    ['"p1" if global banner;', ['error unknown-word `banner`']],
    ['"p1" if "nothing";', ['error undeclared-name `"nothing"`']],
    ['"p1" if "tr" on "nothing";', ['error undeclared-name `"nothing"`']],
    ['"p1" if "nothing" on "t";', ['error undeclared-name-on-related-type `"nothing"`']],
    ['"p1" if "r2" on "r1";', ['error not-a-relation `"r1"` (relations of `R`: "t", "owner", "some", "top", "m")']],
    ['"p1" if "r1" on "some";', ['error abstract-relation-with-on `"some"` (name a concrete type)']],
    ['"p1" if role on "top";', ['error abstract-relation-with-on `"top"`']],
    ['"p1" if global "t";', ['error undeclared-global-name `"t"`']],
    [
      '"p1" if "a" and not ("b" or "c" on "t");',
      ['error undeclared-name `"a"`', 'error undeclared-name `"b"`', 'error undeclared-name-on-related-type `"c"`'],
    ],
    ['"x1" if "y1";', ['error undeclared-name `"x1"`', 'error undeclared-name `"y1"`']],
  ])('%s', (shorthand, expected) => checkDiagnostics(blocks(shorthand), expected))
  test.each([
    ['"gp" if "nothing";', ['error undeclared-global-name `"nothing"`']],
    ['"gq" if "gr";', ['error undeclared-global-name `"gq"` (did you mean `"gp"`)']],
    ['"gp" if "gr" on "t";', ['error bad-global-block `"t"`']],
    ['"gp" if "gr" on resource;', ['error bad-global-block `resource`']],
    ['"gp" if f(actor, resource);', ['error bad-global-block `resource`']],
    ['banner if "gr";', ['error unknown-word `banner`']],
  ])('global: %s', (shorthand, expected) => checkDiagnostics(blocks('', shorthand), expected))
})

describe('rows of 17.2 about shorthand', () => {
  test.each([
    ['"peek" if "holdr";', ['error undeclared-name `"holdr"` (did you mean `"holder"`)']],
    ['"move" if "sael" on "vault";', ['error undeclared-name-on-related-type `"sael"` (did you mean `"seal"`)']],
    ['"peek" if "seal" on "holder";', ['error not-a-relation `"holder"` (relations of `Box`: "vault", "owner")']],
    ['"owner" if "holder";', ['error relation-as-head `"owner"`']],
    ['"peek" if "vault";', ['error resource-relation-without-on `"vault"` (write `"…" on "vault"`)']],
    ['"peek" if holder;', ['error unknown-word `holder` (quote it: `"holder"`)']],
    ['"peek" if global "oprator";', ['error undeclared-global-name `"oprator"` (did you mean `"operator"`)']],
    [
      'relations = { top: Resource }; "peek" if "seal" on "top";',
      ['error duplicate-declaration `relations`', 'error abstract-relation-with-on `"top"` (name a concrete type)'],
    ],
  ])('%s', (line, expected) => checkDiagnostics(basePolicy(line), expected))
})

test('polar 47: a global permission reaches allow/2', () => {
  const policy = checkedPolicy(basePolicy())
  expect(policy.rules.map(({ predicate, params }) => `${predicate}/${params.length}`)).toContain('allow/2')
  expect(ruleTexts(basePolicy())[0]).toBe('has_permission(v1, "open_account") if v1 matches Actor and has_role(v1, "operator")')
})

test('polar 53: the two policies of 7.3 are the same policy', () => {
  const declarations = `actor Member {}
    global { roles = ["operator"]; permissions = ["open_account"]; }
    resource Vault { roles = ["keeper", "suspended"]; permissions = ["seal"]; }
    resource Box { roles = ["holder"]; permissions = ["peek", "move", "tag"]; relations = { vault: Vault, owner: Member }; }`
  const twin = `has_permission(a: Actor, "open_account") if has_role(a, "operator");
    has_permission(a: Actor, "seal", r: Vault) if has_role(a, "keeper", r);
    has_role(a: Actor, "holder", r: Box) if has_relation(r, "owner", a);
    has_role(a: Actor, role: String, r: Box) if
      o matches Vault and has_relation(r, "vault", o) and has_role(a, role, o);
    has_permission(a: Actor, "peek", r: Box) if has_role(a, "holder", r) or has_role(a, "operator");
    has_permission(a: Actor, "move", r: Box) if
      o matches Vault and has_relation(r, "vault", o) and has_permission(a, "seal", o) and not frozen(r);
    has_permission(a: Actor, "tag", r: Box) if
      has_role(a, "holder", r) and
      not (o matches Vault and has_relation(r, "vault", o) and has_role(a, "suspended", o));`
  expect(ruleTexts(basePolicy())).toEqual(ruleTexts(declarations + twin))
  expect(checkedPolicy(basePolicy()).signatures).toEqual(checkedPolicy(declarations + twin).signatures)
})

test('polar 37: rules of a supertype are rules over its name', () => {
  expect(
    ruleTexts(
      'actor M {} resource A { roles = ["r"]; permissions = ["p"]; "p" if "r"; } resource B extends A { permissions = ["q"]; "q" if "p"; }',
    ),
  ).toEqual([
    'has_permission(v1, "p", v2) if v1 matches Actor and v2 matches A and has_role(v1, "r", v2)',
    'has_permission(v1, "q", v2) if v1 matches Actor and v2 matches B and has_permission(v1, "p", v2)',
  ])
  checkDiagnostics('actor M {} resource A { permissions = ["p"]; "p" if "r"; } resource B extends A { roles = ["r"]; }', [
    'error undeclared-name `"r"`',
  ])
})

test('names of a faulty declaration are not reported again', () => {
  checkDiagnostics('actor M {} resource A { rles = ["k"]; } resource B extends A { permissions = ["p"]; "p" if "k"; }', [
    'error unknown-declaration `rles`',
  ])
  checkDiagnostics(basePolicy('actons = ["bury"]; "bury" if "holder";'), ['error unknown-declaration `actons`'])
  checkDiagnostics('actor M {} resource V { rles = ["k"]; } resource B { relations = { v: V }; permissions = ["p"]; "p" if "k" on "v"; }', [
    'error unknown-declaration `rles`',
  ])
})
