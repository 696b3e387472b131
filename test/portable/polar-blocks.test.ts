/** Blocks: declarations, merging, `extends` (polar.md 6, 17.2). */
import { describe, expect, test } from 'vitest'
import { compilePolicy } from '../../src/engine/compile.ts'
import { renderDiagnostic } from '../../src/polar/render.ts'
import { basePolicy, checkDiagnostics, checkedPolicy, ruleTexts } from '../check/support.ts'

describe('polar 29', () => {
  test('a role and a relation of one block cannot share a name', () =>
    checkDiagnostics('actor M {} resource B { roles = ["owner"]; relations = { owner: M }; }', [
      'error name-used-twice `owner` (rename one)',
    ]))
  test('two blocks can', () =>
    checkDiagnostics('actor M {} resource A { roles = ["x"]; } resource B { relations = { x: M }; permissions = ["y"]; }', []))
  test('the name may stand first in the other list', () =>
    checkDiagnostics('actor M {} resource B { permissions = ["x"]; roles = ["y", "x"]; }', ['error name-used-twice `"x"`']))
  test('rules that use the name say nothing more', () =>
    checkDiagnostics(
      'actor M {} resource B { roles = ["owner"]; relations = { owner: M }; permissions = ["p"]; "p" if "owner"; "p" if "owner" on "owner"; }',
      ['error name-used-twice `owner`'],
    ))
  test('one list may repeat a name', () => checkDiagnostics('actor M {} resource B { roles = ["x", "x"]; }', []))
})

test('polar 30: names with dots, colons, blanks and other letters', () => {
  const names = ['email.read', 'box:view', 'two words', 'prüfen', '読む', '*']
  const policy = `actor M {} resource B { permissions = ${JSON.stringify(names)}; roles = ["r.w"]; ${names.map((name) => `${JSON.stringify(name)} if "r.w";`).join(' ')} }`
  checkDiagnostics(policy, [])
  expect(checkedPolicy(policy).metadata['B']?.permissions).toEqual(['*', 'box:view', 'email.read', 'prüfen', 'two words', '読む'])
})

describe('polar 31: names before their declaration', () => {
  test('within a block', () => checkDiagnostics('actor M {} resource B { "p" if "r"; roles = ["r"]; permissions = ["p"]; }', []))
  test('between blocks', () =>
    checkDiagnostics(
      'resource B { relations = { v: V }; permissions = ["p"]; "p" if "r" on "v"; "p" if global "g"; } resource V { roles = ["r"]; } global { roles = ["g"]; } actor M {}',
      [],
    ))
  test('between files', () =>
    checkDiagnostics(
      [
        'resource B extends A { relations = { v: V }; "p" if "r" on "v"; }',
        'resource V { roles = ["r"]; } resource A { permissions = ["p"]; } actor M {}',
      ],
      [],
    ))
})

describe('polar 32: types of relations', () => {
  test('undeclared', () =>
    checkDiagnostics('actor M {} resource Vault {} resource B { relations = { vault: Vualt }; }', [
      'error unknown-relation-type `Vualt` (did you mean `Vault`)',
    ]))
  test.each(['String', 'Integer', 'Boolean'])('%s', (type) =>
    checkDiagnostics(`actor M {} resource B { relations = { v: ${type} }; }`, [`error unknown-relation-type \`${type}\``]),
  )
  test('the own type', () =>
    checkDiagnostics('actor M {} resource B { relations = { parent: B }; roles = ["r"]; role if role on "parent"; }', []))
  test.each(['Actor', 'Resource'])('%s', (type) => checkDiagnostics(`actor M {} resource B { relations = { v: ${type} }; }`, []))
  test('rules through it say nothing more', () =>
    checkDiagnostics(
      'actor M {} resource B { relations = { v: Vault }; permissions = ["p"]; roles = ["r"]; "p" if "x" on "v"; "r" if "v"; role if role on "v"; }',
      ['error unknown-relation-type `Vault`'],
    ))
})

describe('polar 33: two blocks for one type', () => {
  test('merge', () => {
    const policy =
      'actor M {} resource B { roles = ["a", "c"]; "p" if "a"; } resource B { roles = ["b", "a"]; permissions = ["p"]; "p" if "b"; }'
    checkDiagnostics(policy, [])
    expect(checkedPolicy(policy).metadata['B']).toEqual({ roles: ['a', 'b', 'c'], permissions: ['p'], relations: {} })
  })
  test('conflict by kind', () => checkDiagnostics('resource B {} actor B {}', ['error conflicting-blocks `B`']))
  test.each([
    [
      'kind',
      '{}',
      'actor Box {}',
      'two.polar:2:7: error[conflicting-blocks]: `Box` is declared both as a resource and as an actor (see one.polar:3)',
      'one.polar:3:12: a resource here',
    ],
    [
      'member',
      '{ roles = ["x"]; }',
      'resource Box { permissions = ["x"]; }',
      'two.polar:2:31: error[conflicting-blocks]: `x` is a permission here and a role in another block of the same type (see one.polar:3)',
      'one.polar:3:27: a role here',
    ],
    [
      'relation type',
      '{ relations = { x: M }; }',
      'resource Box { relations = { x: N }; }',
      'two.polar:2:30: error[conflicting-blocks]: `x` is a relation to `N` here and a relation to `M` in another block of the same type (see one.polar:3)',
      'one.polar:3:32: a relation to `M` here',
    ],
  ])('a conflict by %s names both places', (_, first, second, ...places) => {
    const files = [
      { name: 'one.polar', text: `actor M {}\nactor N {}\n  resource Box ${first}` },
      { name: 'two.polar', text: `\n${second}` },
    ]
    const told = compilePolicy(files).diagnostics.map((diagnostic) => renderDiagnostic(files, diagnostic))
    expect(told.map((text) => text.split('\n').flatMap((line) => /^ *(\w+\.polar:.*)/.exec(line)?.[1] ?? []))).toEqual([places])
  })
  test('conflict by member', () =>
    checkDiagnostics('actor M {} resource B { roles = ["x"]; } resource B { permissions = ["x"]; }', ['error conflicting-blocks `"x"`']))
  test('conflict by relation type', () =>
    checkDiagnostics('actor M {} resource A {} resource B { relations = { x: A }; } resource B { relations = { x: M }; }', [
      'error conflicting-blocks `x`',
    ]))
  test('the same relation twice', () =>
    checkDiagnostics('actor M {} resource B { relations = { x: M }; } resource B { relations = { x: M }; }', []))
  test('extends lists unite', () =>
    checkDiagnostics(
      'actor M {} resource A { roles = ["a"]; } resource C { roles = ["c"]; } resource B extends A {} resource B extends C { permissions = ["p"]; "p" if "a" and "c"; }',
      [],
    ))
})

test.each(['Actor', 'Resource', 'String', 'Integer', 'Boolean'])('polar 34: a block named %s', (name) => {
  checkDiagnostics(`actor M {} resource ${name} { roles = ["r"]; permissions = ["p"]; "p" if "q"; }`, [
    `error reserved-type-name \`${name}\``,
  ])
  checkDiagnostics(`actor M {} actor ${name} {}`, [`error reserved-type-name \`${name}\``])
})

describe('polar 35: the global block', () => {
  test('second one', () =>
    checkDiagnostics(
      'global { roles = ["a"]; } global { roles = ["b"]; } actor M {} resource B { permissions = ["p"]; "p" if global "b"; }',
      ['error bad-global-block `global`'],
    ))
  test('relations', () =>
    checkDiagnostics('actor M {} global { relations = { m: M }; roles = ["a"]; }', ['error bad-global-block `relations`']))
})

test('polar 36: an actor block has all that a resource block has', () => {
  const body = '{ roles = ["r"]; permissions = ["p"]; relations = { boss: M, home: V }; "p" if "r"; "r" if "boss"; "p" if "s" on "home"; }'
  const of = (kind: string) => ruleTexts(`actor M {} resource V { roles = ["s"]; } ${kind} T ${body}`)
  expect(of('actor')).toEqual(of('resource'))
})

describe('polar 38: extends', () => {
  test('several supertypes unite', () => {
    const policy =
      'actor M {} resource A { roles = ["a"]; relations = { m: M }; } resource B { permissions = ["b"]; relations = { m: M }; } resource C extends A, B { roles = ["c"]; "b" if "a" or "c" or "m"; }'
    checkDiagnostics(policy, [])
    expect(checkedPolicy(policy).metadata['C']).toEqual({ roles: ['a', 'c'], permissions: ['b'], relations: { m: 'M' } })
    expect(checkedPolicy(policy).metadata['A']).toEqual({ roles: ['a'], permissions: [], relations: { m: 'M' } })
    expect(checkedPolicy(policy).concreteTypes.get('A')).toEqual(['A', 'C'])
  })
  test('transitive', () => {
    const policy = checkedPolicy(
      'resource C extends B {} actor M {} resource B extends A {} resource A { roles = ["a"]; } actor N extends M {}',
    )
    expect(Object.fromEntries(policy.concreteTypes)).toEqual({
      A: ['A', 'B', 'C'],
      B: ['B', 'C'],
      C: ['C'],
      M: ['M', 'N'],
      N: ['N'],
      Actor: ['M', 'N'],
      Resource: ['A', 'B', 'C', 'M', 'N'],
    })
    expect(policy.metadata['C']?.roles).toEqual(['a'])
  })
  test('member conflict between supertypes', () =>
    checkDiagnostics(
      'actor M {} resource A { roles = ["x"]; } resource B { permissions = ["x"]; } resource C extends A, B {} resource D extends C { permissions = ["p"]; "p" if "x"; }',
      ['error bad-extends `B`'],
    ))
  test('member conflict with the own block', () =>
    checkDiagnostics('actor M {} resource A { roles = ["x"]; } resource C extends A { relations = { x: M }; }', ['error bad-extends `A`']))
  test('cycle of three', () => {
    checkDiagnostics('actor M {} resource A extends B {} resource B extends C {} resource C extends A {}', ['error bad-extends `A`'])
  })
  test('cycle of one', () =>
    checkDiagnostics('actor M {} resource A extends A { permissions = ["p"]; "p" if "q"; }', ['error bad-extends `A`']))
  test('undeclared', () =>
    checkDiagnostics('actor M {} resource Safe {} resource Vault extends Saef { permissions = ["p"]; "p" if "inherited"; }', [
      'error bad-extends `Saef` (did you mean `Safe`)',
    ]))
  test.each(['Actor', 'Resource', 'String'])('built-in %s', (type) =>
    checkDiagnostics(`actor M extends ${type} {}`, [`error bad-extends \`${type}\``]),
  )
  test('actor of a resource', () => checkDiagnostics('resource R {} actor M extends R {}', ['error bad-extends `R`']))
  test('resource of an actor', () => checkDiagnostics('actor M {} resource R extends M {}', ['error bad-extends `M`']))
})

describe('rows of 17.2 about declarations', () => {
  test.each([
    ['actions = ["peek"];', ['error unknown-declaration `actions`']],
    ['permision = ["x"]; "x" if "holder";', ['error unknown-declaration `permision`']],
    ['permissons = ["x"];', ['error unknown-declaration `permissons` (did you mean `permissions`)']],
    ['roles = ["x"];', ['error duplicate-declaration `roles` (merge the lists)']],
  ])('%s', (line, expected) => checkDiagnostics(basePolicy(line), expected))
  test.each([
    ['roles = { keeper: B };', ['error wrong-declaration-shape `{ keeper: B }` (`roles = ["keeper"];`)']],
    ['relations = ["vault"];', ['error wrong-declaration-shape `["vault"]` (`relations = { vault: SomeType };`)']],
    ['roles = [keeper]; "p" if "keeper";', ['error wrong-declaration-shape `keeper` (write `"keeper"`)']],
    [
      'roles = [1, true, X{"y"}];',
      ['error wrong-declaration-shape `1`', 'error wrong-declaration-shape `true`', 'error wrong-declaration-shape `X{"y"}`'],
    ],
    ['roles = [""];', ['error wrong-declaration-shape `""`']],
    ['roles = { keeper: B }; "p" if "keeper";', ['error wrong-declaration-shape `{ keeper: B }`']],
    ['relations = { a: M, a: B };', ['error name-used-twice `a`']],
  ])('%s', (line, expected) => checkDiagnostics(`actor M {} resource B { permissions = ["p"]; ${line} }`, expected))
})

test('metadata holds own and inherited names, and always the global block', () => {
  expect(checkedPolicy('').metadata).toEqual({ global: { roles: [], permissions: [], relations: {} } })
  expect(Object.keys(checkedPolicy('resource b {} actor a {} resource C {} resource __proto__ { roles = ["r"]; }').metadata)).toEqual([
    'C',
    '__proto__',
    'a',
    'b',
    'global',
  ])
  expect(checkedPolicy(basePolicy()).metadata).toEqual({
    Box: { roles: ['holder'], permissions: ['move', 'peek', 'tag'], relations: { owner: 'Member', vault: 'Vault' } },
    Member: { roles: [], permissions: [], relations: {} },
    Vault: { roles: ['keeper', 'suspended'], permissions: ['seal'], relations: {} },
    global: { roles: ['operator'], permissions: ['open_account'], relations: {} },
  })
})
