/** Lines 1–12 of the conformance checklist (polar.md 20): characters and words. */
import { describe, expect, test } from 'vitest'
import { decodeSource } from '../../src/polar/files.ts'
import { lex } from '../../src/polar/lex.ts'
import { shortMessage } from '../../src/polar/locate.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { checkSame, checkSyntax, valid, withoutSpans } from '../polar/check-syntax.ts'

const bytes = (...values: readonly (number | string)[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => (typeof value === 'number' ? [value] : [...new TextEncoder().encode(value)])))

/** Kind and text of every token but the last. */
const tokens = (text: string): string[] => {
  const lexed = lex(text, 0)
  expect(lexed.diagnostics).toEqual([])
  expect(lexed.tokens.at(-1)?.kind).toBe('end')
  return lexed.tokens.slice(0, -1).map((token) => `${token.kind} ${token.text}`)
}

/** The string literal between `"` and `"`, read back. */
const stringValue = (written: string): string | undefined => lex(`"${written}"`, 0).tokens[0]?.text

describe('polar 1: byte-order mark and UTF-8', () => {
  test('one leading mark is skipped and takes no column', () => {
    expect(decodeSource(bytes(0xef, 0xbb, 0xbf, 'p();'))).toEqual({ value: 'p();', diagnostics: [] })
    checkSame('\uFEFFp();', 'p();')
    checkSyntax('\uFEFFp() q();', ['1:5 unexpected-token [q] expected `if` or `;`, found `q`'])
  })

  const invalid: readonly (readonly [why: string, input: Uint8Array, start: number, message: string])[] = [
    ['a byte of no sequence', bytes('p(\n', 0xff, 'é'), 3, 'found the invalid byte `0xff` at offset 3'],
    ['a sequence cut off', bytes('é😀', 0xe2, 0x82), 3, 'found the invalid byte `0xe2` at offset 6'],
    ['an overlong sequence', bytes(0xc0, 0x80), 0, 'found the invalid byte `0xc0` at offset 0'],
    ['a surrogate', bytes('a', 0xed, 0xa0, 0x80), 1, 'found the invalid byte `0xed` at offset 1'],
    ['behind a mark and a written U+FFFD', bytes(0xef, 0xbb, 0xbf, '\uFFFDa', 0x80), 2, 'found the invalid byte `0x80` at offset 7'],
  ]
  test.each(invalid)('%s is refused', (_why, input, start, message) => {
    const { value, diagnostics } = decodeSource(input)
    expect(value).toBeNull()
    expect(diagnostics).toHaveLength(1)
    expect(diagnostics[0]).toMatchObject({ code: 'invalid-utf-8', severity: 'error', span: { file: 0, start, end: start + 1 } })
    expect(diagnostics[0]?.message).toBe(`a policy is UTF-8 text, ${message}`)
  })

  test('half of a surrogate pair is refused', () => {
    checkSyntax('p("😀");\nq("\ud83d");', ['2:4 invalid-utf-8 [\ud83d] half of a surrogate pair is not text'])
  })
})

test('polar 2: files keep their names in diagnostics', () => {
  const files = [
    { name: 'a.polar', text: 'p(x) if q(x);\nr(x' },
    { name: 'b.polar', text: 'q(1);\n\n  s(x y);' },
  ]
  const { value, diagnostics } = parsePolicy(files)
  expect(value?.items.map(({ kind, span }) => `${kind} ${span.file}`)).toEqual(['rule 0', 'rule 0', 'rule 1', 'rule 1'])
  expect(diagnostics.map((diagnostic) => shortMessage(files, diagnostic, true))).toEqual([
    'a.polar:2:4: expected `,` or `)`, found end of file (hint: insert `)` at the end)',
    'b.polar:3:7: expected `,` or `)`, found `y` (hint: insert `,` before `y`)',
  ])
})

test('polar 3: comments stand between any two tokens', () => {
  const text = `@f p ( x : T , "a" ) if not ( q ( x ) and x in [ 1 , 2 ] ) or x matches T ;
    declare d ( A , B ) ;
    resource R extends S , T { roles = [ "a" , ] ; relations = { o : R , } ; "a" if "b" on "o" and global "g" or f ( actor ) ; }
    test fixture f { d ( T { "1" } ) ; }
    test "x" { setup { fixture f ; } assert p ( x : T , 1 ) iff x in [ T { "1" } ] ; }`
  const commented = tokens(text).length
  const withComments = text.replaceAll(/(?<=\S) +|\n */g, ' # } ; "\n')
  expect(tokens(withComments)).toHaveLength(commented)
  checkSame(withComments, text)
})

describe('polar 4: escapes', () => {
  const escapes: readonly (readonly [written: string, value: string])[] = [
    ['a\\nb', 'a\nb'],
    ['\\r', '\r'],
    ['\\t', '\t'],
    ['\\0', '\0'],
    ['\\"', '"'],
    ['\\\\n', '\\n'],
    ['\\x\\u\\é\\😀', 'xué😀'],
    ['a\\\nb', 'a\nb'],
    ['a\\\r\nb', 'a\r\nb'],
    ['\\N\\1', 'N1'],
    ['# no comment // either', '# no comment // either'],
    ['', ''],
  ]
  test.each(escapes)('%j', (written, value) => {
    expect(stringValue(written)).toBe(value)
  })
})

describe('polar 5: a raw newline ends no string', () => {
  const hint = 'the string that starts here has no closing quote on this line → add the quote, or write `\\n` for a newline'
  const broken: readonly (readonly [text: string, expected: readonly string[]])[] = [
    ['p("a\nb");', [`1:3 unterminated-string ["a] ${hint}`]],
    ['p("a);\nq("b");', [`1:3 unterminated-string ["a] ${hint}`]],
    ['p("', [`1:3 unterminated-string ["] ${hint}`]],
    ['p("a\\', [`1:3 unterminated-string ["a\\] ${hint}`]],
    ['p("a\r\n);', [`1:3 unterminated-string ["a] ${hint}`]],
    [
      'test "a\nb" {\n  assert p();\n}\nq(1',
      [`1:6 unterminated-string ["a] ${hint}`, '5:4 unexpected-token [] expected `,` or `)`, found end of file → insert `)` at the end'],
    ],
    ['resource R {\n  roles = ["a;\n  "a" if "b";\n}', [`2:12 unterminated-string ["a] ${hint}`]],
    [
      'resource R { roles = ["a, "b"]; }\np(1',
      [
        '1:28 unexpected-token [b] expected `,` or `]`, found `b` → a quote is missing on this line',
        '2:4 unexpected-token [] expected `,` or `)`, found end of file → insert `)` at the end',
      ],
    ],
  ]
  test.each(broken)('%j', (text, expected) => {
    checkSyntax(text, expected)
  })
})

describe('polar 6: integers have 64 bits', () => {
  const canonical: readonly (readonly [written: string, value: string])[] = [
    ['-9223372036854775808', '-9223372036854775808'],
    ['9223372036854775807', '9223372036854775807'],
    ['+7', '7'],
    ['007', '7'],
    ['-0', '0'],
    ['00000000000000000000000000009223372036854775807', '9223372036854775807'],
  ]
  test.each(canonical)('%s is %s', (written, value) => {
    expect(tokens(written)).toEqual([`integer ${value}`])
  })

  test('one step further is an error', () => {
    checkSyntax('p(9223372036854775808, -9223372036854775809);', [
      '1:3 integer-out-of-range [9223372036854775808] the number `9223372036854775808` does not fit 64 bits',
      '1:24 integer-out-of-range [-9223372036854775809] the number `-9223372036854775809` does not fit 64 bits',
    ])
  })
})

describe('polar 7: decimals and exponents are refused', () => {
  test.each(['1.5', '-1.5', '1.', '.5', '1e5', '1E-5', '1.5e+3', '1.2.3', '0.0'])('%s', (written) => {
    checkSyntax(`p(${written}, 2);`, [
      `1:3 unsupported-number [${written}] decimal numbers are not supported, found \`${written}\` → use an Integer`,
    ])
  })

  test('a letter e alone is no exponent', () => {
    expect(tokens('1e 2 e5')).toEqual(['integer 1', 'symbol e', 'integer 2', 'symbol e5'])
  })
})

test('polar 8: each `_` is a variable of its own', () => {
  const [rule] = valid('p(_, _);').items
  expect(rule).toMatchObject({
    head: {
      params: [
        { term: { kind: 'variable', name: '_', span: { start: 2, end: 3 } } },
        { term: { kind: 'variable', name: '_', span: { start: 5, end: 6 } } },
      ],
    },
  })
})

describe('polar 9: words that are keywords only in their place', () => {
  const words = [
    'actor',
    'resource',
    'role',
    'global',
    'test',
    'default',
    'on',
    'type',
    'extends',
    'roles',
    'permissions',
    'relations',
    'declare',
  ]
  const more = [
    'fixture',
    'setup',
    'assert',
    'assert_not',
    'iff',
    'permission',
    'cut',
    'print',
    'forall',
    'debug',
    'new',
    'isa',
    'mod',
    'rem',
  ]
  test.each([...words, ...more])('%s', (word) => {
    // As predicate, parameter, type, variable, declared and fixture name, relation, block type, fact of a setup.
    checkSyntax(
      `${word}(${word}: ${word}, ${word}) if p(${word}, ${word}) and ${word} = 1 and ${word} matches ${word} and x in [${word}];
      declare ${word}(${word}); actor ${word} extends ${word} { relations = { ${word}: ${word} }; "a" if p(${word}); }
      test fixture ${word} { ${word}(${word}{"1"}); }
      test "a" { setup { fixture ${word}; ${word}(1); } assert ${word}(${word}: ${word}) iff ${word} = 1; }`,
      [],
    )
  })

  test.each(words)('%s as a predicate that is called', (word) => {
    checkSyntax(`p(x) if ${word}(x); resource R { "a" if ${word}(actor) and ${word}; ${word} if "a" on ${word}; }`, [])
  })

  test('a word before its own keyword', () => {
    checkSyntax('resource R { "a" if on on on or global on "x" or global on and global global; }', [])
  })
})

describe('polar 10: reserved words name nothing', () => {
  test.each(['if', 'and', 'or', 'not', 'in', 'matches', 'matches!'])('%s', (word) => {
    checkSyntax(`p(${word});`, [`1:3 unexpected-token [${word}] expected a term, found \`${word}\` → \`${word}\` is a reserved word`])
    checkSyntax(`p(x: ${word});`, [
      `1:6 unexpected-token [${word}] expected a type name, found \`${word}\` → \`${word}\` is a reserved word`,
    ])
    checkSyntax(`${word}(x);`, [`1:1 unexpected-token [${word}] expected a block, a rule, \`declare\` or \`test\`, found \`${word}\``])
  })

  test.each(['true', 'false'])('%s is a Boolean', (word) => {
    expect(withoutSpans(valid(`p(${word});`).items[0])).toMatchObject({
      head: { params: [{ term: { kind: 'boolean', value: word === 'true' } }] },
    })
    checkSyntax(`p(x) if ${word}(x);`, [
      `1:9 unexpected-token [${word}] expected a predicate, found \`${word}\` → \`${word}\` is a reserved word`,
    ])
    checkSyntax(`p(x) if ${word} matches T;`, [`1:9 unexpected-token [${word}] expected a variable left of \`matches\`, found \`${word}\``])
  })
})

describe('polar 11: symbols', () => {
  const symbols: readonly (readonly [text: string, expected: readonly string[]])[] = [
    ['a::b::c', ['symbol a::b::c']],
    ['a::1', ['symbol a', 'punctuation :', 'punctuation :', 'integer 1']],
    ['ready? done?=1', ['symbol ready?', 'symbol done', 'foreign ?=', 'integer 1']],
    ['ready? = 1', ['symbol ready?', 'punctuation =', 'integer 1']],
    ['größe 漢字 😀_1 _ _x x1', ['symbol größe', 'symbol 漢字', 'symbol 😀_1', 'symbol _', 'symbol _x', 'symbol x1']],
    ['x:T', ['symbol x', 'punctuation :', 'symbol T']],
    ['a\u00a0b\u3000c\u2028d\ufeffe\u0085f', ['symbol a', 'symbol b', 'symbol c', 'symbol d', 'symbol e', 'symbol f']],
    [
      'matches!x matches !x matches!=x',
      ['reserved matches!', 'symbol x', 'reserved matches', 'foreign !', 'symbol x', 'reserved matches', 'punctuation !=', 'symbol x'],
    ],
    ['ifs in? not_', ['symbol ifs', 'symbol in?', 'symbol not_']],
  ]
  test.each(symbols)('%s', (text, expected) => {
    expect(tokens(text)).toEqual(expected)
  })
})

describe('polar 12: flags', () => {
  test('an unknown flag before a rule is kept for a warning', () => {
    expect(withoutSpans(valid('@inline @x::y p();').items)).toMatchObject([{ kind: 'rule', flags: [{ text: 'inline' }, { text: 'x::y' }] }])
    expect(withoutSpans(valid('resource R { @inline "a" if "b"; }').items)).toMatchObject([
      { items: [{ kind: 'shorthand', flags: [{ text: 'inline' }] }] },
    ])
    expect(valid('  @inline p();').items[0]).toMatchObject({ flags: [{ span: { start: 2, end: 9 } }], span: { start: 2, end: 14 } })
  })

  const refused: readonly (readonly [text: string, expected: readonly string[]])[] = [
    ['p(@now);', ['1:3 unexpected-token [@now] expected a term, found `@now` → the only constant is `@current_unix_time`']],
    ['@a actor M {}', ['1:4 unexpected-token [actor] expected a rule, found `actor` → a flag stands before a rule']],
    ['resource R { @a roles = []; }', ['1:23 unexpected-token [=] expected `if`, found `=`']],
    ['@ a p();', ['1:1 unexpected-token [@] expected a block, a rule, `declare` or `test`, found `@`']],
    [
      '@current_unix_time p();',
      ['1:1 unexpected-token [@current_unix_time] expected a block, a rule, `declare` or `test`, found `@current_unix_time`'],
    ],
  ]
  test.each(refused)('%s', (text, expected) => {
    checkSyntax(text, expected)
  })
})
