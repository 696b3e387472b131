/** Formatting keeps every token and comment in its order, and formatting again changes nothing. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { known } from '../../src/base/assert.ts'
import { formatPolicy } from '../../src/polar/format.ts'
import { lex } from '../../src/polar/lex.ts'
import { printPolicy } from '../../src/polar/print.ts'
import { randomOf } from '../random/prng.ts'
import { randomBlocks } from '../random/random-blocks.ts'
import { randomPredicates, randomRules } from '../random/random-rules.ts'
import { policyText } from '../random/random-world.ts'
import { worlds } from '../support/worlds.ts'
import { policySyntax } from './arbitrary.ts'
import { valid, withoutSpans } from './check-syntax.ts'
import { samples } from './samples.ts'

const format = (text: string): string => {
  const { value, diagnostics } = formatPolicy({ name: 'policy.polar', text })
  expect(diagnostics).toEqual([])
  return known(value, 'a valid policy has a layout')
}

/** Comments as the lexer steps over them. */
const commentsOf = (text: string): string[] => {
  const { tokens } = lex(text, 0)
  const between = tokens.map(({ start }, index) => text.slice(tokens[index - 1]?.end ?? 0, start))
  return between.flatMap((gap) => (gap.match(/#[^\n]*/g) ?? []).map((comment) => comment.trimEnd()))
}

const checkFormat = (text: string): string => {
  const formatted = format(text)
  expect(withoutSpans(valid(formatted))).toEqual(withoutSpans(valid(text)))
  expect(commentsOf(formatted)).toEqual(commentsOf(text))
  expect(format(formatted)).toBe(formatted)
  expect(formatted).not.toMatch(/(?<!#[^\n]*)[ \t]\n|\n\n\n|^\n|\{\n\n/)
  return formatted
}

const gap = fc.constantFrom('', '', ' ', '\n', '\n\n', '\t', ' # } ; "\n', '\n# own\n', '\n\n#a\n\n# b  \n', '#c\r\n\r\n', ' # t\n# u\n\n')

/** The tokens of a text with other things between them. */
const spread = (text: string, gaps: readonly string[]): string => {
  const { tokens } = lex(text, 0)
  return tokens
    .map(({ start, end }, index) => {
      const separator = gaps[index % gaps.length] ?? ''
      // Two words need something between them.
      return (separator === '' ? (index === 0 ? '' : ' ') : separator) + text.slice(start, end)
    })
    .join('')
}

test('random trees with comments everywhere', async () => {
  await fc.assert(
    fc.asyncProperty(policySyntax, fc.array(gap, { minLength: 1, maxLength: 40 }), async (syntax, gaps) => {
      checkFormat(spread(printPolicy(syntax), gaps))
    }),
    { numRuns: 3000 },
  )
})

test('random programs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(gap, { minLength: 1, maxLength: 40 }), async (seed, gaps) => {
      const random = randomOf(seed)
      const text = policyText([...randomBlocks(random), ...randomRules(random, randomPredicates(random))])
      checkFormat(text)
      checkFormat(spread(text, gaps))
    }),
    { numRuns: 300 },
  )
})

test('the layout does not depend on how the text was laid out', async () => {
  await fc.assert(
    fc.asyncProperty(policySyntax, fc.array(fc.constantFrom(' ', '\n', '\t', '\r\n  '), { minLength: 1 }), async (syntax, gaps) => {
      const text = printPolicy(syntax)
      expect(withoutBlankLines(format(spread(text, gaps)))).toBe(withoutBlankLines(format(text)))
    }),
    { numRuns: 500 },
  )
})

const withoutBlankLines = (text: string): string => text.replaceAll(/\n+/g, '\n')

describe('corpus', () => {
  test.each(worlds.map(({ name, policy }) => [name, policy] as const))('%s', (_, policy) => {
    checkFormat(policy)
  })
})

describe('samples', () => {
  test.each(samples)('%#', (text) => void checkFormat(text))
})

test('a comment may stand between any two tokens', () => {
  for (const text of samples) {
    const count = lex(text, 0).tokens.length
    for (let index = 0; index < count; index += 1) {
      for (const comment of [' # c\n', '\n# c\n', '\n\n# c\n\n# d\n'])
        checkFormat(
          spread(
            text,
            Array.from({ length: count }, (_, position) => (position === index ? comment : ' ')),
          ),
        )
    }
  }
})

test('a file that does not parse has diagnostics and no layout', () => {
  const { value, diagnostics } = formatPolicy({ name: 'policy.polar', text: 'actor User {}\nallow(x) if ;\n' })
  expect(value).toBeNull()
  expect(diagnostics).toMatchObject([{ code: 'unexpected-token' }])
})

test('nothing but blanks and comments', () => {
  expect(checkFormat('')).toBe('')
  expect(checkFormat('\n \n')).toBe('')
  expect(checkFormat('\uFEFF\n\n  # a\n\n\n\n# b')).toBe('# a\n\n# b\n')
  expect(checkFormat('# a\n;# b\n')).toBe('# a\n# b\n')
})

test('a large policy takes linear time and stack', () => {
  const wide = `p(${Array.from({ length: 5_000 }, (_, index) => `"${index}"`).join(', ')});`
  const long = `p(x: T) if ${Array.from({ length: 5_000 }, () => 'q(x)').join(' and ')};`
  const many = 'actor A { roles = ["r"]; } p(x: A) if q(x);\n'.repeat(5_000)
  for (const text of [wide, long, many]) expect(format(format(text))).toBe(format(text))
})

test('the layout', () => {
  expect(checkFormat(written)).toBe(formatted)
})

const written = `

# head
actor User { } # after
resource Repo extends A,B { # first

  # own
  roles=["a",
  "b"  # second
  ,];
  relations = {x: A, y: B,};
  permissions = [];


  # before
  "reader" if "member" on "parent" or ("a very long name of a role" on "another parent" and "something else" on "yet another");
  "a"if("b"or"c" on"x")and not(global "g"or role); # third
  # end

}
;
has_role(u: User, # why
   "a", r: Repo) if # rule
  # and
  is_a(u)   # first
  and is_b(u)

  # second
  and not(is_c(u) or u = User{ "x" }) # last
  # and is_d(u)
  ;
has_x(a: User) if b(a) and c(a) or d(a) and x in[1,+02];

f(a: User, b: Repo) if a_predicate_with_a_long_name(a, b, "some long text here", "another text", "third text", 12345);
@f r() if true; declare d(A,B);test fixture f{p(1);}test "t" { setup { fixture f; p(2); }
  assert allow(User{"a"}, "x", Repo{"y"}) iff x in ["a"] and c(x); assert_not p(1)
  # of the test
; }
# eof`

const formatted = `# head
actor User {} # after

resource Repo extends A, B { # first
  # own
  roles = [
    "a",
    "b", # second
  ];
  relations = { x: A, y: B };
  permissions = [];

  # before
  "reader" if
    "member" on "parent" or
    ("a very long name of a role" on "another parent" and "something else" on "yet another");
  "a" if ("b" or "c" on "x") and not (global "g" or role); # third
  # end
}

has_role(
  u: User, # why
  "a",
  r: Repo
) if # rule
  # and
  is_a(u) and # first
  is_b(u) and
  # second
  not (is_c(u) or u = User{"x"}) # last
  # and is_d(u)
  ;
has_x(a: User) if
  b(a) and c(a) or
  d(a) and x in [1, +02];

f(a: User, b: Repo) if
  a_predicate_with_a_long_name(a, b, "some long text here", "another text", "third text", 12345);
@f r() if true;
declare d(A, B);

test fixture f {
  p(1);
}

test "t" {
  setup {
    fixture f;
    p(2);
  }
  assert allow(User{"a"}, "x", Repo{"y"}) iff x in ["a"] and c(x);
  assert_not p(1)
    # of the test
    ;
}
# eof
`
