/** Policies at the limits of the language are answered, not only accepted; odd bytes and several files change nothing. */
import { describe, expect, test } from 'vitest'
import type { Value } from '../../src/base/value.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { QueryError } from '../../src/engine/engine.ts'
import { locate } from '../../src/polar/locate.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'
import { cursorOf, readFact } from '../support/world-reader.ts'

const many = (count: number, part: (index: number) => string, between = ' '): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(between)
const request = { contextFacts: [], unixSeconds: 1_800_000_000, nowMs: null, timeoutMs: 60_000 }
const ana: Value = { type: 'User', id: 'ana' }
const box: Value = { type: 'Box', id: 'b1' }

/** Whether `ana` may `open` the box, or the code of the refusal. */
const opens = (policy: string, ...facts: readonly string[]): boolean | string => {
  const cell = openCell(
    emptyDatabase(),
    validPolicy(policy),
    facts.map((text) => readFact(cursorOf(text))),
  )
  try {
    return cell.engine.authorize(ana, 'open', box, request)
  } catch (error) {
    if (error instanceof QueryError) return error.code
    throw error
  } finally {
    cell.close()
  }
}
const blocks = 'actor User {} resource Box { permissions = ["open"]; }\n'
const rule = (condition: string): string => `${blocks}has_permission(u: User, "open", b: Box) if has(u, b) and ${condition};`
const has = 'has(User:ana, Box:b1)'

describe('polar 19: 200 levels are answered', () => {
  test.each([
    ['parentheses', `${'('.repeat(200)}has(u, b)${')'.repeat(200)}`, true],
    ['an even number of `not`', `${'not '.repeat(200)}has(u, b)`, true],
    ['an odd number of `not`', `${'not '.repeat(199)}has(u, b)`, false],
    ['both', `${'not ('.repeat(100)}has(u, b)${')'.repeat(100)}`, true],
  ])('%s', (_, condition, expected) => expect(opens(rule(condition), has)).toBe(expected))
})

describe('polar 28: 16 parameters are answered', () => {
  test('through the call of a rule', () => {
    const names = many(16, (index) => `x${index}`, ', ')
    const policy = `${rule(`p(${many(16, (index) => String(index), ', ')})`)} p(${many(16, (index) => `x${index}: Integer`, ', ')}) if q(${names});
      q(${many(16, (index) => `x${index}: Integer`, ', ')}) if ${many(16, (index) => `n(x${index})`, ' and ')};`
    const facts = Array.from({ length: 16 }, (_, index) => `n(${index})`)
    expect(opens(policy, has, ...facts)).toBe(true)
    expect(opens(policy, has, ...facts.slice(1))).toBe(false)
  })
})

describe('polar 72: long lists', () => {
  const list = many(5000, (index) => `"v${index}"`, ', ')
  test('with a value given, and to enumerate', () => {
    expect(opens(rule(`tag(b, t) and t in [${list}]`), has, 'tag(Box:b1, v4999)')).toBe(true)
    expect(opens(rule(`tag(b, t) and t in [${list}]`), has, 'tag(Box:b1, v5000)')).toBe(false)
    expect(opens(rule(`t in [${list}] and tag(b, t)`), has, 'tag(Box:b1, v17)')).toBe(true)
  })
})

describe('polar 6: the ends of the range are answered', () => {
  const [low, high] = ['-9223372036854775808', '9223372036854775807']
  test.each([
    [`n(b, x) and x >= ${low} and x <= ${high} and x != ${low}`, `n(Box:b1, ${high})`, true],
    [`n(b, x) and x > ${low}`, `n(Box:b1, ${low})`, false],
    [`n(b, x) and x < ${high}`, `n(Box:b1, 9223372036854775806)`, true],
    [`n(b, ${low})`, `n(Box:b1, ${low})`, true],
    [`n(b, x) and x = Integer{${high}}`, `n(Box:b1, ${high})`, true],
    [`n(b, x) and x in [${low}, ${high}]`, `n(Box:b1, ${low})`, true],
  ])('%s with %s', (condition, fact, expected) => expect(opens(rule(condition), has, fact)).toBe(expected))
})

describe('polar 1, 2: bytes and files', () => {
  const files = (...texts: readonly string[]) => texts.map((text, index) => ({ name: `${index}.polar`, text }))
  const summary = (...texts: readonly string[]) => {
    const { value, diagnostics } = compilePolicy(files(...texts))
    return { rules: value?.rules.length, metadata: value?.metadata, codes: diagnostics.map(({ code }) => code) }
  }
  const one = 'actor User {}\nresource Box { roles = ["r"]; permissions = ["open"]; "open" if "r"; }\np(x: Box) if f(x);\n'
  test('every line ending, and a mark at the beginning of each file', () => {
    const expected = summary(one)
    expect(expected.codes).toEqual([])
    for (const ending of ['\r\n', '\r', '\n\n', '\u2028', ' ']) expect(summary(one.replaceAll('\n', ending))).toEqual(expected)
    expect(
      summary(
        ...one
          .trim()
          .split('\n')
          .map((line) => `\uFEFF${line}`),
      ),
    ).toEqual(expected)
    expect(summary('', '\uFEFF', '# nothing', ' \r\n', one)).toEqual(expected)
  })
  test('an item ends with its file', () => expect(summary('p(x: Box) if f(x)', '; actor User {}').codes).toEqual(['unexpected-token']))
  test('columns count code points behind CRLF, tabs and wide characters', () => {
    const texts = files('# ok', '\uFEFF# 🎈\r\n\tp("🎈é", Vault{1}); actor User {}\r\n')
    const [error] = compilePolicy(texts).diagnostics
    expect(error && locate(texts, error.span)).toEqual({ file: '1.polar', line: 2, column: 10, length: 8 })
  })
  test('one type in three files, extended in a circle over files', () => {
    expect(
      summary('resource A {} actor U {}', 'resource A { roles = ["x"]; }', 'resource A { permissions = ["p"]; "p" if "x"; }').codes,
    ).toEqual([])
    const { diagnostics } = compilePolicy(
      files('resource A extends B {} actor U {}', 'resource B extends C {}', 'resource C extends A { roles = ["r"]; }'),
    )
    expect(diagnostics.map(({ code, span }) => `${code} ${span.file}`)).toEqual(['bad-extends 2'])
    expect(diagnostics[0]?.message).toContain('`A → B → C → A`')
  })
})

describe('one mistake, one diagnostic', () => {
  const codes = (text: string): string[] =>
    compilePolicy([{ name: 'p', text }]).diagnostics.map(({ code, hint }) => `${code}${hint === null ? '' : ` (${hint})`}`)
  const family = 'actor User {} resource Asset {} resource Image extends Asset {} resource Video extends Asset {}'
  test.each([
    [
      'a misspelled supertype',
      `${family.replace('Image extends Asset', 'Image extends Aset')} p(a: Asset) if a matches Image and f(a);`,
      ['bad-extends (did you mean `Asset`)'],
    ],
    [
      'a misspelled type of a parameter',
      `${family} p(a: Aset) if a matches Image and f(a);`,
      ['contradictory-types (did you mean `Asset`)'],
    ],
    [
      'a misspelled type of a relation',
      `${family} resource Box { relations = { asset: Aset }; } p(b: Box, a: Aset) if has_relation(b, "asset", a);`,
      ['unknown-relation-type (did you mean `Asset`)'],
    ],
    ['a misspelled variable', `${family} p(u: User) if level(u, level) and levl > 3;`, ['unbound-variable (did you mean `level`)']],
    [
      'a variable of two negations',
      `${family} p(u: User) if f(u) and not g(u, x) and not h(u, x);`,
      ['variable-shared-by-negations (bind it outside, or rename it in one of them)'],
    ],
    [
      'a misspelled fixture',
      'actor User {} test fixture staff { has_permission(User{"a"}, "p"); } test "t" { setup { fixture stff; } assert allow(User{"a"}, "p"); }',
      ['unknown-fixture (did you mean `staff`)'],
    ],
    [
      'a relation whose type is wrong, and what follows from it',
      `${family} resource Box { relations = { asset: Aset }; } p(b: Box) if has_relation(b, "asset", x) and q(x);`,
      ['unknown-relation-type (did you mean `Asset`)'],
    ],
    ['a type that extends itself under another name', 'actor User {} resource Safe extends Saef {}', ['bad-extends']],
  ])('%s', (_, text, expected) => expect(codes(text)).toEqual(expected))
})

describe('a negation in a negation, over facts of a thousand signatures each', () => {
  const actors = many(10, (index) => `actor T${index} {}`)
  const policy = `${rule('not (far(_, _, v) and hot(v) and not (far(_, w, _) and cold(w)))')} ${actors}
    seen(x: Actor) if far(x, x, x) and hot(x) and cold(x);`

  test.each([
    ['nothing is hot', [], true],
    ['something is hot, nothing is cold', ['far(T1:a, T2:b, T3:c)', 'hot(T3:c)'], false],
    ['something is hot, something is cold', ['far(T1:a, T2:b, T3:c)', 'hot(T3:c)', 'cold(T2:b)'], true],
  ])('%s', (_, facts, expected) => expect(opens(policy, has, ...facts)).toBe(expected))
})

test('lists of several variables together leave out the rules that contradict them', () => {
  const policy = `actor User {} resource Doc {
      roles = ["viewer", "editor"]; permissions = ["read", "write"]; relations = { parent: Doc };
      "viewer" if not "editor" and "viewer" on "parent";
    }
    has_relation(d: Doc, "parent", p: Doc) if linked("all") and d matches Doc and p matches Doc;
    has_role(User{"root"}, "viewer", d: Doc);
    limit(u: User, 1, d: Doc) if has_role(u, "none", d); limit(u: User, 2, d: Doc) if has_role(u, "read", d); limit(u: User, 3, d: Doc) if has_role(u, "write", d);`
  const cell = openCell(emptyDatabase(), validPolicy(policy), [readFact(cursorOf('has_role(User:ana, String:editor, Doc:d1)'))])
  const asked = (ids: readonly string[]): unknown =>
    cell.engine.query(
      {
        calls: [
          { predicate: 'has_role', args: ['user', 'role', 'doc'] },
          { predicate: 'has_role', args: ['other', 'same', 'doc'] },
        ],
        constraints: {
          user: { type: 'User', ids: ['ana', 'root', 'bob'] },
          role: { type: 'String', ids },
          other: { type: 'User', ids: ['ana', 'root', 'bob'] },
          same: { type: 'String', ids: ['editor', 'read', 'write', 'none', 'other'] },
          doc: { type: 'Doc', ids: null },
        },
      },
      request,
    )
  expect(asked(['editor', 'none'])).toEqual([{ user: 'ana', role: 'editor', other: 'ana', same: 'editor', doc: 'd1' }])
  expect(() => asked(['viewer'])).toThrow('cannot be enumerated')
  cell.close()
})
