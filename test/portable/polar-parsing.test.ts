/** Lines 13–19 of the conformance checklist (polar.md 20): shapes of policies. */
import { describe, expect, test } from 'vitest'
import { parsePolicy } from '../../src/polar/parse.ts'
import { checkSame, checkSyntax, valid } from '../polar/check-syntax.ts'

describe('polar 13: precedence', () => {
  const same: readonly (readonly [text: string, grouped: string])[] = [
    ['a() and b() or c()', '(a() and b()) or c()'],
    ['a() or b() and c()', 'a() or (b() and c())'],
    ['not a() and b()', '(not a()) and b()'],
    ['not a() or b()', '(not a()) or b()'],
    ['not x = y and a()', '(not (x = y)) and a()'],
    ['not x in [y] or x matches T', '(not (x in [y])) or (x matches T)'],
    ['a() and b() or c() and d() or e()', '(a() and b()) or (c() and d()) or e()'],
    ['not not a()', 'not (not a())'],
    ['((a()))', 'a()'],
  ]
  test.each(same)('%s', (text, grouped) => {
    checkSame(`p() if ${text};`, `p() if ${grouped};`)
  })

  test('the same in shorthand', () => {
    checkSame(
      'resource R { "x" if "a" and "b" or not "c" on "r" and "d"; }',
      'resource R { "x" if ("a" and "b") or ((not ("c" on "r")) and "d"); }',
    )
  })

  test('trees of different grouping differ', () => {
    expect(valid('p() if a() and b() or c();').items).toMatchObject([{ body: { kind: 'or', items: [{ kind: 'and' }, { kind: 'call' }] } }])
    expect(valid('p() if a() and (b() or c());').items).toMatchObject([
      { body: { kind: 'and', items: [{ kind: 'call' }, { kind: 'or' }] } },
    ])
    expect(valid('p() if a() and (b() and c());').items).toMatchObject([{ body: { items: [{ kind: 'call' }, { kind: 'and' }] } }])
  })
})

describe('polar 14: trailing commas', () => {
  test('in lists, relation maps and extends', () => {
    checkSame(
      'resource R extends A, B, { roles = ["a", "b",]; relations = { a: A, b: B, }; } p(x) if x in [1, 2,];',
      'resource R extends A, B { roles = ["a", "b"]; relations = { a: A, b: B }; } p(x) if x in [1, 2];',
    )
  })

  const hint = 'remove the comma before it'
  const refused: readonly (readonly [text: string, expected: readonly string[]])[] = [
    ['p(x,);', [`1:5 unexpected-token [)] expected a term, found \`)\` → ${hint}`]],
    ['p(x) if q(x, 1,);', [`1:16 unexpected-token [)] expected a term, found \`)\` → ${hint}`]],
    ['declare p(A,);', [`1:13 unexpected-token [)] expected a type name, found \`)\` → ${hint}`]],
    ['resource R { "a" if p(actor,); }', [`1:29 unexpected-token [)] expected a term, found \`)\` → ${hint}`]],
    ['test fixture f { p(1,); }', [`1:22 unexpected-token [)] expected a term, found \`)\` → ${hint}`]],
    ['test "t" { assert p(1,); }', [`1:23 unexpected-token [)] expected a term, found \`)\` → ${hint}`]],
    ['p(,x);', ['1:3 unexpected-token [,] expected a term, found `,` → remove the comma']],
    ['resource R { roles = ["a",,"b"]; }', ['1:27 unexpected-token [,] expected a term, found `,` → remove the comma']],
    ['resource R { roles = [,]; }', ['1:23 unexpected-token [,] expected a term, found `,` → remove the comma']],
  ]
  test.each(refused)('%s', (text, expected) => {
    checkSyntax(text, expected)
  })
})

describe('polar 15: arguments are plain terms', () => {
  const call = 'give the result a variable and call the predicate as a condition'
  const list = 'a list stands only right of `in`'
  const refused: readonly (readonly [text: string, expected: readonly string[]])[] = [
    ['p(x) if q(r(x, s(1)), 2);', [`1:11 unexpected-token [r] expected a term, found the call \`r(…)\` → ${call}`]],
    ['p(q(x));', [`1:3 unexpected-token [q] expected a term, found the call \`q(…)\` → ${call}`]],
    ['p(x) if q([x, [1]]);', [`1:11 unexpected-token [[] expected a term, found \`[\` → ${list}`]],
    ['p([]);', [`1:3 unexpected-token [[] expected a term, found \`[\` → ${list}`]],
    ['p(x) if x = [1];', [`1:13 unexpected-token [[] expected a term, found \`[\` → ${list}`]],
    ['p(x) if x in [[1]];', [`1:15 unexpected-token [[] expected a term, found \`[\` → ${list}`]],
    ['p(x) if x = q(x);', [`1:13 unexpected-token [q] expected a term, found the call \`q(…)\` → ${call}`]],
    ['p(x) if q(r(x;\ns();', [`1:11 unexpected-token [r] expected a term, found the call \`r(…)\` → ${call}`]],
  ]
  test.each(refused)('%s', (text, expected) => {
    checkSyntax(text, expected)
  })
})

describe('polar 16: where a semicolon stands', () => {
  test('behind blocks and alone at top level', () => {
    expect(valid(';actor A {};global {};; test fixture f {}; test "t" { assert p(); }; p();;').items).toHaveLength(5)
  })

  const refused: readonly (readonly [text: string, expected: readonly string[]])[] = [
    [
      'resource R { roles = ["holder"] permissions = ["peek"]; }',
      ['1:33 unexpected-token [permissions] expected `;`, found `permissions` → insert `;` before `permissions`'],
    ],
    ['resource R { roles = ["a"] }', ['1:28 unexpected-token [}] expected `;`, found `}` → insert `;` before `}`']],
    ['resource R { roles = ["a"] "a" if "b"; }', ['1:28 unexpected-token ["a"] expected `;`, found `"a"` → insert `;` before `"a"`']],
    [
      'resource R { "a" if "b" role if "c"; }',
      ['1:25 unexpected-token [role] expected `and`, `or` or `;`, found `role` → insert `;` before `role`'],
    ],
    ['resource R { "a" if "b" }', ['1:25 unexpected-token [}] expected `and`, `or` or `;`, found `}` → insert `;` before `}`']],
    [
      'resource R { "a" if "b" @f "c" if "d"; }',
      ['1:25 unexpected-token [@f] expected `and`, `or` or `;`, found `@f` → insert `;` before `@f`'],
    ],
    ['p(1)\nq(1);', ['2:1 unexpected-token [q] expected `if` or `;`, found `q` → insert `;` before `q`']],
    ['p(x) if q(x)\nr(x) if s(x);', ['2:1 unexpected-token [r] expected `and`, `or` or `;`, found `r` → insert `;` before `r`']],
    ['p(x) if q(x)', ['1:13 unexpected-token [] expected `and`, `or` or `;`, found end of file → add `;` at the end']],
    ['p(x) if q(x) actor A {}', ['1:14 unexpected-token [actor] expected `and`, `or` or `;`, found `actor` → insert `;` before `actor`']],
    ['declare p(A)\ndeclare q(A);', ['2:1 unexpected-token [declare] expected `;`, found `declare` → insert `;` before `declare`']],
    ['test fixture f { p(1) q(1); }', ['1:23 unexpected-token [q] expected `;`, found `q` → insert `;` before `q`']],
    [
      'test "t" { setup { fixture f fixture g; } assert p(); }',
      ['1:30 unexpected-token [fixture] expected `;`, found `fixture` → insert `;` before `fixture`'],
    ],
    [
      'test "t" { assert p() assert_not q(); }',
      ['1:23 unexpected-token [assert_not] expected `iff` or `;`, found `assert_not` → insert `;` before `assert_not`'],
    ],
    ['resource R { ; roles = []; }', ['1:14 unexpected-token [;] expected a declaration or a shorthand rule, found `;` → remove it']],
    [
      'test "t" { setup { ; } ; assert p(); }',
      [
        '1:20 unexpected-token [;] expected a fact, found `;` → remove it',
        '1:24 unexpected-token [;] expected `setup`, `assert` or `assert_not`, found `;` → remove it',
      ],
    ],
  ]
  test.each(refused)('%s', (text, expected) => {
    checkSyntax(text, expected)
  })
})

describe('polar 17: constructs of related languages', () => {
  const arithmetic = 'not-part-of-polar-arithmetic-loops-output'
  const refused: readonly (readonly [text: string, expected: string])[] = [
    ['p(x, y) if x == y;', '1:14 not-part-of-polar-equality-or-assignment [==] the operator `==` does not exist → use `=`'],
    ['p(x) if x := 1;', '1:11 not-part-of-polar-equality-or-assignment [:=] the operator `:=` does not exist → use `=`'],
    ['resource R { roles := ["a"]; }', '1:20 not-part-of-polar-equality-or-assignment [:=] the operator `:=` does not exist → use `=`'],
    [
      'p(b, a) if b.owner = a;',
      '1:13 not-part-of-polar-attributes [.owner] values have no attributes → model it as a fact, `has_relation(b, "owner", a)`',
    ],
    [
      'p(b) if q(b.a.c, 1);',
      '1:12 not-part-of-polar-attributes [.a] values have no attributes → model it as a fact, `has_relation(b, "a", other)`',
    ],
    [
      'p(b) if b.open(1, [2]) and q(b);',
      '1:10 not-part-of-polar-attributes [.open] values have no attributes → model it as a fact, `has_relation(b, "open", other)`',
    ],
    [
      'p(x, y) if x + 1 < y;',
      `1:14 ${arithmetic} [+] the operator \`+\` does not exist: Polar has no arithmetic → keep the result as a fact`,
    ],
    [
      'p(x, y) if x < y - 1 * (2 / 3) % 4;',
      `1:18 ${arithmetic} [-] the operator \`-\` does not exist: Polar has no arithmetic → keep the result as a fact`,
    ],
    [
      'p(x, y) if x -1 < y;',
      `1:14 ${arithmetic} [-1] the operator \`-\` does not exist: Polar has no arithmetic → keep the result as a fact`,
    ],
    ['p(x) if 0 < - x;', `1:13 ${arithmetic} [-] the operator \`-\` does not exist: Polar has no arithmetic → keep the result as a fact`],
    [
      'p(x) if x mod 2 = 0;',
      `1:11 ${arithmetic} [mod] the operator \`mod\` does not exist: Polar has no arithmetic → keep the result as a fact`,
    ],
    [
      'p(x) if x rem 2 = 0;',
      `1:11 ${arithmetic} [rem] the operator \`rem\` does not exist: Polar has no arithmetic → keep the result as a fact`,
    ],
    ['p(x) if forall(q(x), r(x)) and s(x);', `1:9 ${arithmetic} [forall] \`forall\` does not exist → use \`not (… and not …)\``],
    ['p(x) if q(x) and print(x);', `1:18 ${arithmetic} [print] \`print\` does not exist: rules have no output → remove it`],
    ['p(x) if not (debug() and q(x));', `1:14 ${arithmetic} [debug] \`debug\` does not exist: rules have no output → remove it`],
    ['p(x) if debug and q(x);', `1:9 ${arithmetic} [debug] \`debug\` does not exist: rules have no output → remove it`],
    [
      'p(x) if q(x) and cut;',
      `1:18 ${arithmetic} [cut] \`cut\` does not exist: the order of rules never changes a result → use \`not\` to exclude cases`,
    ],
    ['resource R { "a" if forall(x, y); }', `1:21 ${arithmetic} [forall] \`forall\` does not exist → use \`not (… and not …)\``],
    [
      'type has_role(a: Actor, n: String);',
      '1:1 not-part-of-polar-rule-type [type] rule types are not supported → use `declare` for fact types',
    ],
    ['?= allow("a", "b", "c");', '1:1 not-part-of-polar-inline-query [?=] inline queries are not supported → write a `test` block'],
    ['p(x) if ! q(x);', '1:9 not-part-of-polar-other [!] the operator `!` does not exist → use `not`'],
    ['p(x) if q(x) | r(x);', '1:14 not-part-of-polar-other [|] the operator `|` does not exist → use `or`'],
    ['p(x) if q(x) || r(x) and s(x);', '1:14 not-part-of-polar-other [||] the operator `||` does not exist → use `or`'],
    ['p(x) if q(x) && r(x);', '1:14 not-part-of-polar-other [&&] the operator `&&` does not exist → use `and`'],
    ['p(x) if x in [a, *rest];', '1:18 not-part-of-polar-other [*] list rest patterns do not exist → write every element'],
    [
      'p(x) if x = new Foo(1, 2) and q(x);',
      '1:13 not-part-of-polar-other [new] `new` does not exist: rules make no objects → write a value as `Type{"id"}`',
    ],
    ['p(x) if x isa Foo and q(x);', '1:11 not-part-of-polar-other [isa] the operator `isa` does not exist → use `matches`'],
  ]
  test.each(refused)('%s', (text, expected) => {
    checkSyntax(text, [expected])
    // Nothing behind it is lost.
    const { value } = parsePolicy([{ name: 'p', text: `${text}\nlast(1);` }])
    expect(value?.items.at(-1)).toMatchObject({ head: { predicate: { text: 'last' } } })
  })
})

test('polar 18: `on` takes one step', () => {
  checkSyntax('resource R { "a" if "b" on "r" on "s"; "c" if "d"; }', [
    '1:32 chained-on [on "s"] `on` takes one step → give `r` a rule of its own for `b`, or write a long-hand rule',
  ])
  checkSyntax('resource R { "a" if "b" on "r" on "s" on "t" and "c"; }', [
    '1:32 chained-on [on "s" on "t"] `on` takes one step → give `r` a rule of its own for `b`, or write a long-hand rule',
  ])
})

describe('polar 19: nesting', () => {
  const deep = (opening: string, count: number, inner: string, closing: string): string =>
    opening.repeat(count) + inner + closing.repeat(count)
  const tooDeep = (column: number, marked: string): string =>
    `1:${column} nesting-too-deep [${marked}] parentheses and \`not\` are nested more than 200 levels deep → split the rule`

  const accepted: readonly string[] = [
    `p() if ${deep('(', 200, 'q()', ')')};`,
    `p() if ${deep('not ', 200, 'q()', '')};`,
    `p() if ${deep('not (', 100, 'q()', ')')} and ${deep('(not ', 100, 'q()', ')')};`,
    `resource R { "a" if ${deep('(', 200, '"b"', ')')} and ${deep('(', 200, '"b"', ')')}; }`,
  ]
  test.each(accepted)('200 levels are accepted', (text) => {
    checkSyntax(text, [])
  })

  test('201 are refused, and parsing goes on behind the rule', () => {
    checkSyntax(`p() if ${deep('(', 201, 'q()', ')')}; q(1`, [
      tooDeep(208, '('),
      '1:418 unexpected-token [] expected `,` or `)`, found end of file → insert `)` at the end',
    ])
    checkSyntax(`p() if ${deep('not ', 201, 'q()', '')};`, [tooDeep(808, 'not')])
    checkSyntax(`p() if ${deep('(not ', 100, '(q())', ')')};`, [tooDeep(508, '(')])
    checkSyntax(`resource R { "a" if ${deep('(', 201, '"b"', ')')}; }`, [tooDeep(221, '(')])
  })

  const hostile: readonly (readonly [unit: string, code: string])[] = [
    ['(', 'nesting-too-deep'],
    ['not ', 'nesting-too-deep'],
    ['!', 'not-part-of-polar-other'],
    ['- ', 'not-part-of-polar-arithmetic-loops-output'],
    ['q(', 'unexpected-token'],
    ['q([', 'unexpected-token'],
    ['x in [', 'unexpected-token'],
    ['a{', 'unexpected-token'],
    ['forall(', 'not-part-of-polar-arithmetic-loops-output'],
    ['new a', 'not-part-of-polar-other'],
    ['x.y(', 'not-part-of-polar-attributes'],
  ]
  test.each(hostile)('100,000 times %j leaves the stack alone', (unit, code) => {
    const codes = parsePolicy([{ name: 'p', text: `p() if ${unit.repeat(100_000)}` }]).diagnostics.map((diagnostic) => diagnostic.code)
    expect(codes[0]).toBe(code)
    expect(codes.length).toBeLessThanOrEqual(2)
  })

  test.each([
    '{',
    'resource A {',
    'test "a" {',
    'test "a" { setup {',
    'test fixture a {',
    'resource A { "a" if (',
    'global { x = {',
    'p(',
    ')',
    '}',
    ']',
  ])('20,000 times %j at top level leaves the stack alone', (unit) => {
    expect(parsePolicy([{ name: 'p', text: unit.repeat(20_000) }]).diagnostics.length).toBeGreaterThan(0)
  })

  test('wide policies are fine', () => {
    const many = <T>(item: (index: number) => T): T[] => Array.from({ length: 50_000 }, (_, index) => item(index))
    checkSyntax(`p(x) if ${many((index) => `q(x, ${index})`).join(' and ')};`, [])
    checkSyntax(`p(x) if x in [${many(String).join(', ')}];`, [])
    checkSyntax(`test "t" { setup { ${many((index) => `p(${index});`).join('')} } assert p(1); }`, [])
  })
})
