/** What each diagnostic says (the "message must say" columns of polar.md 17). */
import { describe, expect, test } from 'vitest'
import { basePolicy, checkTexts } from './support.ts'

const declares = 'declare ok(Member); declare f(Member, Integer); declare g(Member, Integer);'

const checkMessages = (policy: string, expected: readonly string[]): void => {
  expect(checkTexts(policy).diagnostics.map(({ code, message }) => `${code}: ${message}`)).toEqual(expected)
}

describe('in a block', () => {
  test.each([
    ['actions = ["peek"];', ['unknown-declaration: `actions` is no declaration, expected `roles`, `permissions` or `relations`']],
    ['roles = ["x"];', ['duplicate-declaration: `roles` is declared twice in one block (see line 13)']],
    ['"peek" if "holdr";', ['undeclared-name: `"holdr"` is not declared in `Box`']],
    [
      '"move" if "sael" on "vault";',
      ['undeclared-name-on-related-type: `"sael"` is not declared in `Vault`, the type of the relation `"vault"`'],
    ],
    ['"peek" if "seal" on "holder";', ['not-a-relation: `"holder"` is a role, not a relation (see line 13)']],
    ['"owner" if "holder";', ['relation-as-head: `"owner"` is a relation, shorthand cannot grant it (see line 15)']],
    ['"peek" if "vault";', ['resource-relation-without-on: `"vault"` relates to the resource type `Vault`, not to an actor (see line 15)']],
    ['"peek" if holder;', ['unknown-word: `holder` has no meaning here, expected a string or `role` or `permission`']],
    ['"peek" if global "oprator";', ['undeclared-global-name: `"oprator"` is not declared in the global block']],
    ['@fast "peek" if "tag";', ['unknown-rule-flag: the flag `@fast` is not known and is ignored']],
    ['"peek" if "tag" on box;', ['unknown-word: `box` has no meaning here, expected a string or `resource`']],
  ])('%s', (text, expected) => checkMessages(basePolicy(text), expected))
})

describe('beside the blocks', () => {
  test.each([
    ['resource X { roles = { keeper: Vault }; }', ['wrong-declaration-shape: `roles` takes a list of strings, found a map']],
    ['resource X { relations = ["vault"]; }', ['wrong-declaration-shape: `relations` takes a map of names to types, found a list']],
    ['resource X { roles = [keeper]; }', ['wrong-declaration-shape: `roles` takes strings']],
    [
      'resource X { roles = ["owner"]; relations = { owner: Member }; }',
      ['name-used-twice: `owner` is a role and a relation to `Member` (see line 24)'],
    ],
    [
      'resource Box { roles = ["peek"]; }',
      ['conflicting-blocks: `peek` is a role here and a permission in another block of the same type (see line 14)'],
    ],
    ['global {}', ['bad-global-block: a policy has one global block (see line 2)']],
    ['resource Actor {}', ['reserved-type-name: the type `Actor` is built in']],
    ['actor Box {}', ['conflicting-blocks: `Box` is declared both as a resource and as an actor (see line 12)']],
    ['resource X { relations = { vault: Vualt }; }', ['unknown-relation-type: the type `Vualt` of the relation `vault` is not declared']],
    [
      'resource X { relations = { vault: String }; }',
      ['unknown-relation-type: `String` is a value type, a relation leads to an actor or resource type'],
    ],
    ['resource Safe {} resource X extends Saef {}', ['bad-extends: `X` extends `Saef`, which is not declared']],
    ['resource X extends Y {} resource Y extends X {}', ['bad-extends: types extend each other in a cycle: `X → Y → X`']],
    ['actor X extends Vault {}', ['bad-extends: `X` is an actor and cannot extend `Vault`, which is a resource (see line 7)']],
    ['actor X extends Actor {}', ['bad-extends: `X` cannot extend the built-in type `Actor`']],
    [
      'resource X extends Vault { relations = { keeper: Member }; }',
      ['bad-extends: `keeper` is a relation to `Member` in `X` and a role in `Vault` (see line 24 and line 8)'],
    ],
    [
      'resource X { permissions = ["p"]; relations = { top: Resource }; "p" if "seal" on "top"; }',
      ['abstract-relation-with-on: `"top"` relates to `Resource`, whose roles and permissions are unknown (see line 24)'],
    ],
    [
      'global { relations = { a: B }; }',
      ['bad-global-block: a policy has one global block (see line 2)', 'bad-global-block: the global block has no relations'],
    ],
    ['p(m: Member) if f(m, 1) and m = Vault{1};', ['bad-object-literal: `Vault` needs a string as id, found an integer']],
    ['p(Actor{"x"});', ['bad-object-literal: `Actor` is abstract, no value has it as its type']],
    ['p(Vault{""});', ['bad-object-literal: an id cannot be empty']],
    ['p(Vault{"*"});', ['bad-object-literal: the id `*` is reserved for wildcards']],
    ['p(Integer{"3"});', ['bad-object-literal: `Integer` needs an integer, found a string']],
    ['p(m: Member) if m matches Vault and ok(m);', ['contradictory-types: `m` cannot be both `Member` and `Vault` (see line 24)']],
    [
      'p(m: Member, v: Vault) if m = v and ok(m);',
      ['contradictory-types: `m` is `Member` and `v` is `Vault`, so they cannot be equal (see line 24)'],
    ],
    ['p(m: Member) if m < 3;', ['wrong-operand: `<` needs Integers, `m` is `Member` (see line 24)']],
    ['p(m: Member) if ok(m) and "a" < "b";', ['wrong-operand: `<` needs Integers, found the String `"a"`']],
    ['p(m: Member) if ok(m) and n < 5;', ['unbound-variable: the variable `n` has no value here']],
    [
      'p(m: Member) if ok(m) and not f(m, x) and not g(m, x);',
      ['variable-shared-by-negations: `x` occurs only inside two negations (see line 24)'],
    ],
    ['p(m: Member) if f(m, x) and f(m, y) and x in [y];', ['bad-list-element: a list holds constants of one type, found the variable `y`']],
    [
      'p(m: Member) if f(m, x) and x in ["a", 1];',
      ['bad-list-element: a list holds constants of one type, found `1` after the String `"a"`'],
    ],
    ['p(m: Member) if q(m, 1, 2, 3, 4, 5);', ['too-many-arguments: `q` has no rule with 6 arguments, and a fact has at most 5']],
    ['p(m: Member) if ok(m) and flag();', ['zero-argument-fact-type: no rule is named `flag()`, and a fact needs at least one argument']],
    ['p(1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17);', ['too-many-arguments: a rule has at most 16 arguments, found 17']],
    ['declare p(A,B,C,D,E,F);', ['too-many-arguments: a declared fact has at most 5 arguments, found 6']],
    ['p(x: Vualt) if f(x);', ['undeclared-type: the type `Vualt` has no block']],
    ['p(m: Member, b: Box) if open(b);', ['variable-used-once: the variable `m` is used once']],
    ['p(x) if q(x);', ['untyped-variable: nothing tells the type of `x`, so it accepts every type']],
    [
      'p(m: Member, n: Box) if not q(m, n);',
      [
        'cannot-be-enumerated: nothing gives `m` and `n` a value here: checks work, but lists and open queries on this rule will be refused',
      ],
    ],
    [
      'p(m: Member) if ok(m) and (m matches Vault or ok(m));',
      ['can-never-match: this branch can never match: `m` cannot be both `Member` and `Vault` (see line 24)'],
    ],
    ['p(x) if ok(x) and z(x); z(v: Vault) if z(v);', ['can-never-match: no type of `x` fits all of its conditions']],
    ['p(m: Member, v: Vault) if q(m, v) and m != v;', ['always-true: `m != v` is always true: the two sides are of different types']],
    ['p(m: Member) if f(m, x) and x in [];', ['always-false: `x in []` is always false: the list is empty']],
    ['p(m: Member) if ok(m) and 1 > 3;', ['always-false: `1 > 3` is always false']],
    ['p(m: Resource) if q(m) and m matches! Actor;', ['always-false: `Actor` is abstract, no value has it as its exact type']],
    ['@inline p(x: Box) if q(x);', ['unknown-rule-flag: the flag `@inline` is not known and is ignored']],
    ['p(x: Box) if q(x); p(x: Box) if q(x);', ['duplicate-rule: the same rule stands here twice (see line 24)']],
    ['test fixture f { frozen(Box{"b"}); }', ['unused-fixture: no test uses the fixture `f`']],
  ])('%s', (text, expected) => checkMessages(basePolicy('', `${declares}\n${text}`), expected))
})

describe('in a test', () => {
  test.each([
    [
      'assert allow(Member{"bob"}, "seal", Vault{"v1"}); } test "t" { assert allow(Member{"bob"}, "seal", Vault{"v1"});',
      ['duplicate-test-or-fixture: there are two tests named `t` (see line 23)'],
    ],
    ['setup { fixture stff; } assert allow(Member{"bob"}, "seal", Vault{"v1"});', ['unknown-fixture: there is no fixture `stff`']],
    [
      'setup { has_role(m, "keeper", Vault{"v1"}); } assert allow(Member{"bob"}, "seal", Vault{"v1"});',
      ['setup-fact-not-ground: facts contain no variables, found `m`'],
    ],
    [
      'setup { frozen(@current_unix_time); } assert allow(Member{"bob"}, "seal", Vault{"v1"});',
      ['setup-fact-not-ground: facts contain constants, found `@current_unix_time`'],
    ],
    [
      'setup { has_role(Member{"ann"}, "oprator"); } assert allow(Member{"bob"}, "seal", Vault{"v1"});',
      ['fact-not-used-in-policy: `has_role(Member, "oprator")` is not used in policy'],
    ],
    ['assert alow(Member{"bob"}, "seal", Vault{"v1"});', ['unknown-goal: the policy does not know `alow` with 3 arguments']],
    ['assert has_role(Member{"bob"});', ['unknown-goal: `has_role` takes 2 or 3 arguments, found 1']],
    ['assert allow(m: Member, x: String, Vault{"v1"});', ['bad-assertion-variable: a goal has at most one variable, found `m` and `x`']],
    ['assert allow(m: Member, "seal", m: Member);', ['bad-assertion-variable: a goal names its variable once, found `m` twice']],
    ['assert allow(m, "seal", Vault{"v1"});', ['bad-assertion-variable: the variable `m` of a goal is written `name: ConcreteType`']],
    [
      'assert allow(m: Actor, "seal", Vault{"v1"});',
      ['bad-assertion-variable: `Actor` is abstract, the variable of a goal is written `name: ConcreteType`'],
    ],
    ['assert allow(Member{"bob"}, "seal", Vault{"v1"}) iff what in ["a"];', ['bad-iff: `iff` needs a named variable in the goal']],
    ['assert allow(Member{"bob"}, what: String, Vault{"v1"}) iff true;', ['bad-iff: the condition says nothing about `what`']],
    [
      'assert allow(Member{"bob"}, what: String, Vault{"v1"}) iff what = other;',
      ['bad-iff: the condition may use the variable `what` only, found `other`'],
    ],
    [
      'assert allow(Member{"bob"}, what: String, Vault{"v1"}) iff what in [1];',
      ['bad-iff: `what` is `String`, found `Integer` (see line 23)'],
    ],
    [
      'assert_not has_role(true, "keeper", Vault{"v1"});',
      ['goal-cannot-match: the type `Boolean` of `true` fits no rule of `has_role`, so the goal is never true'],
    ],
    [
      'setup { f(1,2,3,4,5,6); } assert allow(Member{"bob"}, "seal", Vault{"v1"});',
      ['too-many-arguments: a fact has at most 5 arguments, found 6'],
    ],
    ['setup { f(""); } assert allow(Member{"bob"}, "seal", Vault{"v1"});', ['bad-object-literal: an argument of a fact cannot be empty']],
  ])('%s', (text, expected) => checkMessages(basePolicy('', `test "t" { ${text} }`), expected))
})

describe('alone', () => {
  test.each([
    [
      'resource Box { roles = ["r"]; permissions = ["p"]; "p" if "r"; }',
      ['abstract-type-without-members: no type is an `Actor`, so nothing can match here'],
    ],
  ])('%s', (text, expected) => checkMessages(text, expected))
})
