/** Every row of polar.md 17.1, the structure of tests, and what one mistake costs. */
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { lex } from '../../src/polar/lex.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { checkSyntax } from '../polar/check-syntax.ts'
import { samples } from '../polar/samples.ts'
import { syntaxErrorNames } from '../support/diagnostic-names.ts'

const block = (line: string): string => `resource Box {\n${line}\n}\n`
const rule = (condition: string): string => `p(m: Member, b: Box) if\n${condition};\n`

describe('polar 100: syntax errors, 17.1', () => {
  const rows: readonly (readonly [name: string, text: string, expected: string])[] = [
    [
      'unexpected token',
      block('roles = ["holder"] permissions = ["peek"];'),
      '2:20 unexpected-token [permissions] expected `;`, found `permissions` → insert `;` before `permissions`',
    ],
    [
      'unterminated string',
      block('"peek" if "holder;'),
      '2:11 unterminated-string ["holder] the string that starts here has no closing quote on this line → add the quote, or write `\\n` for a newline',
    ],
    [
      'unsupported number',
      rule('score(m, 1.5)'),
      '2:10 unsupported-number [1.5] decimal numbers are not supported, found `1.5` → use an Integer',
    ],
    [
      'integer out of range',
      rule('limit(9223372036854775808)'),
      '2:7 integer-out-of-range [9223372036854775808] the number `9223372036854775808` does not fit 64 bits',
    ],
    [
      'nesting too deep',
      rule(`${'('.repeat(201)}p()${')'.repeat(201)}`),
      '2:201 nesting-too-deep [(] parentheses and `not` are nested more than 200 levels deep → split the rule',
    ],
    [
      'not part of Polar: equality or assignment',
      rule('x == y'),
      '2:3 not-part-of-polar-equality-or-assignment [==] the operator `==` does not exist → use `=`',
    ],
    [
      'not part of Polar: equality or assignment',
      rule('x := 1'),
      '2:3 not-part-of-polar-equality-or-assignment [:=] the operator `:=` does not exist → use `=`',
    ],
    [
      'not part of Polar: attributes',
      rule('b.owner = a'),
      '2:2 not-part-of-polar-attributes [.owner] values have no attributes → model it as a fact, `has_relation(b, "owner", a)`',
    ],
    [
      'not part of Polar: arithmetic, loops, output',
      rule('x + 1 < y'),
      '2:3 not-part-of-polar-arithmetic-loops-output [+] the operator `+` does not exist: Polar has no arithmetic → keep the result as a fact',
    ],
    [
      'not part of Polar: arithmetic, loops, output',
      rule('forall(r(x), q(x))'),
      '2:1 not-part-of-polar-arithmetic-loops-output [forall] `forall` does not exist → use `not (… and not …)`',
    ],
    [
      'not part of Polar: arithmetic, loops, output',
      rule('print(x)'),
      '2:1 not-part-of-polar-arithmetic-loops-output [print] `print` does not exist: rules have no output → remove it',
    ],
    [
      'not part of Polar: arithmetic, loops, output',
      rule('q(x) and cut'),
      '2:10 not-part-of-polar-arithmetic-loops-output [cut] `cut` does not exist: the order of rules never changes a result → use `not` to exclude cases',
    ],
    [
      'not part of Polar: rule type',
      'type has_role(a: Actor, n: String);',
      '1:1 not-part-of-polar-rule-type [type] rule types are not supported → use `declare` for fact types',
    ],
    [
      'not part of Polar: inline query',
      '?= allow("a", "b", "c");',
      '1:1 not-part-of-polar-inline-query [?=] inline queries are not supported → write a `test` block',
    ],
    [
      'chained on',
      block('"peek" if "seal" on "vault" on "site";'),
      '2:29 chained-on [on "site"] `on` takes one step → give `vault` a rule of its own for `seal`, or write a long-hand rule',
    ],
  ]
  test('every row of the section is here', () => {
    expect([...new Set(rows.map(([name]) => name))].toSorted()).toEqual(Object.keys(syntaxErrorNames).toSorted())
  })
  test.each(rows)('%s: %s', (name, text, expected) => {
    checkSyntax(text, [expected])
    expect(expected.split(' ')[1]).toBe(known(syntaxErrorNames[name], name))
  })

  test('several at once, sorted, each once', () => {
    const text = `${block('roles = ["a"] "a" if "b;\n"a" if "b" on "c" on "d";')}${rule('x == y.z + 1')}p(1.5`
    expect(parsePolicy([{ name: 'p', text }]).diagnostics.map(({ code }) => code)).toEqual([
      'unexpected-token',
      'chained-on',
      'not-part-of-polar-equality-or-assignment',
      'not-part-of-polar-attributes',
      'not-part-of-polar-arithmetic-loops-output',
      'unsupported-number',
      'unexpected-token',
    ])
  })
})

describe('polar 94: tests and fixtures', () => {
  const rows: readonly (readonly [text: string, expected: readonly string[]])[] = [
    [
      'test "t" { assert p(); setup { q(1); } }',
      ['1:24 misplaced-setup [setup] `setup` comes before the assertions → move it to the start of the test'],
    ],
    ['test "t" { setup { } setup { q(1); } assert p(); }', ['1:22 misplaced-setup [setup] a test has one `setup` → merge the two']],
    ['test "t" { }', ['1:6 empty-test ["t"] the test `t` needs at least one assertion → add `assert …;`']],
    ['test "t" { setup { p(1); } }', ['1:6 empty-test ["t"] the test `t` needs at least one assertion → add `assert …;`']],
    [
      'test "t" { assert p(x: T) iff x not in ["a"]; }',
      ['1:33 bad-iff [not in] `iff` takes no `not in` → list the expected values, `iff x in […]`'],
    ],
    [
      'test "t" { p(1); }',
      [
        '1:12 unexpected-token [p] expected `setup`, `assert` or `assert_not`, found `p` → a fact stands in `setup { … }`, a goal after `assert`',
      ],
    ],
    ['test "t" { assert not p(); }', ['1:19 unexpected-token [not] expected a goal, found `not` → write `assert_not`']],
    ['test "t" { assert p() if q(); }', ['1:23 unexpected-token [if] expected `iff` or `;`, found `if` → write `iff`']],
    ['test fixture f { fixture g; }', ['1:18 unexpected-token [fixture] expected a fact, found `fixture` → a fixture contains only facts']],
    ['test fixture f { p(1) if q(1); }', ['1:23 unexpected-token [if] expected `;`, found `if` → a fact has no conditions']],
    ['test fixture f { p(); }', ['1:20 unexpected-token [)] expected a term, found `)`']],
    ['test t { assert p(); }', ['1:6 unexpected-token [t] expected a name in quotes or `fixture`, found `t`']],
    ['test fixture { p(1); }', ['1:14 unexpected-token [{] expected a fixture name, found `{`']],
    ['fixture f { p(1); }', ['1:9 unexpected-token [f] expected `(`, found `f` → write `test fixture`']],
    [
      'assert p(1); assert p(2);',
      ['1:1 unexpected-token [assert] expected a block, a rule, `declare` or `test`, found `assert` → an assertion stands inside a test'],
    ],
  ]
  test.each(rows)('%s', (text, expected) => {
    checkSyntax(text, expected)
  })

  test('a variable in a fact is left to the checks', () => {
    checkSyntax('test fixture f { has_role(m, "a"); has_role(m: Member, @current_unix_time); }', [])
  })

  test('a broken assertion counts as one', () => {
    checkSyntax('test "t" { assert p(; }', ['1:21 unexpected-token [;] expected a term, found `;`'])
  })
})

describe('blocks and beginnings', () => {
  const rows: readonly (readonly [text: string, expected: readonly string[]])[] = [
    [
      'resouce Box { roles = ["a"]; "a" if "b"; } p();',
      ['1:1 unexpected-token [resouce] expected a block, a rule, `declare` or `test`, found `resouce` → did you mean `resource`'],
    ],
    ['actor Member;', ['1:13 unexpected-token [;] expected `{`, found `;` → write `actor Member {}`']],
    [
      'actor Member {\n  roles = ["a"];\nresource Box {}',
      ['3:1 unexpected-token [resource] expected `}`, found `resource` → insert `}` before `resource`'],
    ],
    ['actor Member {\n  roles = ["a"];\n', ['3:1 unexpected-token [] expected `}`, found end of file → add `}` at the end']],
    ['actor Member {\n  roles = ["a"];\np();\n}', ['3:1 unexpected-token [p] expected `}`, found `p` → insert `}` before `p`']],
    [
      'resource R extends { roles = ["a"] }',
      [
        '1:20 unexpected-token [{] expected a type name, found `{`',
        '1:36 unexpected-token [}] expected `;`, found `}` → insert `;` before `}`',
      ],
    ],
    ['resource R roles = ["a"]; }', ['1:12 unexpected-token [roles] expected `{`, found `roles` → insert `{` before `roles`']],
    [block('has_role(a, "b") if c(a);'), ['2:1 unexpected-token [has_role] expected `}`, found `has_role` → insert `}` before `has_role`']],
    [
      block('  has_role(a, "b") if c(a);'),
      [
        '2:3 unexpected-token [has_role] expected a declaration or a shorthand rule, found `has_role` → a long-hand rule stands outside the block',
      ],
    ],
    [
      block('"a" if actor = b;'),
      ['2:14 unexpected-token [=] expected `and`, `or` or `;`, found `=` → comparisons stand in a long-hand rule outside the block'],
    ],
    [block('relations = { vault };'), ['2:21 unexpected-token [}] expected `:` and a type name, found `}` → write `vault: Type`']],
    [block('relations = { vault = Vault };'), ['2:21 unexpected-token [=] expected `:`, found `=` → write `vault: Type`']],
    [
      block('relations = { "vault": Vault };'),
      ['2:15 unexpected-token ["vault"] expected a relation, found `"vault"` → write the name without quotes'],
    ],
    [block('relations = { a: A; b: B; };'), ['2:19 unexpected-token [;] expected `,` or `}`, found `;` → write `,`']],
    [block('roles = ["a"; "b"];'), ['2:13 unexpected-token [;] expected `,` or `]`, found `;` → write `,`']],
    [block('roles = ["a" "b" "c"];'), ['2:14 unexpected-token ["b"] expected `,` or `]`, found `"b"` → insert `,` before `"b"`']],
    [block('roles = "a";'), ['2:9 unexpected-token ["a"] expected `[` or `{`, found `"a"` → write `["a"]`']],
    [block('roles: ["a"];'), ['2:6 unexpected-token [:] expected `=`, found `:` → write `roles = `']],
    [
      '"a" if "b"; roles = ["a"]; }',
      ['1:1 unexpected-token ["a"] expected a block, a rule, `declare` or `test`, found `"a"` → it stands inside a block'],
    ],
    ['}', ['1:1 unexpected-token [}] expected a block, a rule, `declare` or `test`, found `}` → remove it']],
    ['declare p();', ['1:11 unexpected-token [)] expected a type name, found `)`']],
    ['declare p(x: T);', ['1:12 unexpected-token [:] expected `,` or `)`, found `:` → `declare` takes the type names alone']],
    ['declare p(T) if q();', ['1:14 unexpected-token [if] expected `;`, found `if` → a rule is written without `declare`']],
    ["p('a');", ["1:3 unexpected-token ['a'] strings are written in double quotes, found `'a'` → write `\"a\"`"]],
    ['// note\np();', ['1:1 unexpected-token [//] found `//`, a comment starts with `#` → write `#` instead of `//`']],
    ['p(x) if x in y;', ['1:14 unexpected-token [y] expected `[`, found `y` → write the list out, as in `x in ["a", "b"]`']],
    ['p(x) if x not in [1];', ['1:11 unexpected-token [not] expected an operator, found `not` → write `not x in […]`']],
    [
      'p(x) if q(x: T);',
      ['1:12 unexpected-token [:] expected `,` or `)`, found `:` → a type stands in a head; in a body write `x matches Type`'],
    ],
    [
      'p(x) if "a";',
      ['1:12 unexpected-token [;] expected an operator, found `;` → a bare name is a condition only in shorthand rules, inside a block'],
    ],
    [
      'p(x) if x;',
      ['1:10 unexpected-token [;] expected an operator, found `;` → a condition is a call such as `p(x)` or a comparison such as `x = y`'],
    ],
    ['p(x) if q(x), r(x), s(x);', ['1:13 unexpected-token [,] expected `and` or `or`, found `,` → join conditions with `and`']],
    ['p(x) if q(x)\n  r(x);', ['2:3 unexpected-token [r] expected `and`, `or` or `;`, found `r` → insert `and` or `or` before `r`']],
    ['p(x if q(x);', ['1:5 unexpected-token [if] expected `,` or `)`, found `if` → insert `)` before `if`']],
    ['p(x) if (q(x);', ['1:14 unexpected-token [;] expected `and`, `or` or `)`, found `;` → insert `)` before `;`']],
    [
      'p(Vault{x});',
      ['1:9 unexpected-token [x] expected a string, an integer or a Boolean, found `x` → an object is written `Vault{"id"}`'],
    ],
    ['p(Vault{"a", "b"}, Vault{});', ['1:12 unexpected-token [,] expected `}`, found `,` → an object is written `Vault{"id"}`']],
    ['p(x) if ;', ['1:9 unexpected-token [;] expected a condition, found `;`']],
    ['p(\u001b[31m);', ['1:4 unexpected-token [[] expected `,` or `)`, found `[`']],
    [`p(x) ${'y'.repeat(100)};`, [`1:6 unexpected-token [${'y'.repeat(100)}] expected \`if\` or \`;\`, found \`${'y'.repeat(59)}…\``]],
  ]
  test.each(rows)('%s', (text, expected) => {
    checkSyntax(text, expected)
  })

  test('an unclosed brace points at its opening', () => {
    const [diagnostic] = parsePolicy([{ name: 'p', text: 'actor A {\n' }]).diagnostics
    expect(diagnostic?.labels).toEqual([{ span: { file: 0, start: 8, end: 9 }, message: 'this `{` is not closed' }])
  })
})

describe('one slip, at most one diagnostic', () => {
  const slips: readonly (readonly [name: string, apply: (text: string, start: number, end: number) => string])[] = [
    ['a token left out', (text, start, end) => text.slice(0, start) + text.slice(end)],
    ['a token doubled', (text, start, end) => `${text.slice(0, end)} ${text.slice(start)}`],
    ['the last character of a token left out', (text, _start, end) => text.slice(0, end - 1) + text.slice(end)],
  ]
  test.each(slips)('%s', (_name, apply) => {
    const worse: string[] = []
    let mistakes = 0
    for (const text of samples) {
      for (const { start, end, kind } of lex(text, 0).tokens) {
        if (kind === 'end') continue
        const { diagnostics } = parsePolicy([{ name: 'p', text: apply(text, start, end) }])
        if (diagnostics.length > 0) mistakes += 1
        // Brackets that do not pair up are always a mistake.
        const fewest = '()[]{}'.includes(text.slice(start, end)) ? 1 : 0
        if (diagnostics.length > 1 || diagnostics.length < fewest)
          worse.push(
            `${text.slice(start - 20, start)}»${text.slice(start, end)}«: ${diagnostics.map(({ message }) => message).join(' | ')}`,
          )
      }
    }
    expect(worse).toEqual([])
    expect(mistakes).toBeGreaterThan(100)
  })
})

test('no more than 100 diagnostics, and those are the first', () => {
  const { value, diagnostics } = parsePolicy([
    { name: 'a', text: 'p(1.5);\n'.repeat(60) },
    { name: 'b', text: 'x;\n'.repeat(1000) },
    { name: 'c', text: 'p(' },
  ])
  expect(diagnostics).toHaveLength(100)
  expect(diagnostics.filter(({ span }) => span.file === 0)).toHaveLength(60)
  expect(diagnostics.at(-1)?.span).toEqual({ file: 1, start: 39 * 3 + 1, end: 39 * 3 + 2 })
  expect(value?.items).toHaveLength(60)
})
