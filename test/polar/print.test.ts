/** Printing a tree and parsing it gives the tree back. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lex } from '../../src/polar/lex.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { printPolicy } from '../../src/polar/print.ts'
import { policySyntax } from './arbitrary.ts'
import { valid, withoutSpans } from './check-syntax.ts'
import { samples } from './samples.ts'

test('random trees', async () => {
  await fc.assert(
    fc.asyncProperty(policySyntax, async (syntax) => {
      const { value, diagnostics } = parsePolicy([{ name: 'printed', text: printPolicy(syntax) }])
      expect(diagnostics).toEqual([])
      expect(withoutSpans(value)).toEqual(withoutSpans(syntax))
    }),
    { numRuns: 2000 },
  )
})

test('random trees in any layout', async () => {
  const gap = fc.constantFrom(' ', '\n', '\t', ' # } ; "\n', '\r\n  ')
  await fc.assert(
    fc.asyncProperty(policySyntax, fc.array(gap, { minLength: 1 }), async (syntax, gaps) => {
      const printed = printPolicy(syntax)
      const text = lex(printed, 0)
        .tokens.map(({ start, end }, index) => printed.slice(start, end) + (gaps[index % gaps.length] ?? ''))
        .join('')
      const { value, diagnostics } = parsePolicy([{ name: 'printed', text }])
      expect(diagnostics).toEqual([])
      expect(withoutSpans(value)).toEqual(withoutSpans(syntax))
    }),
    { numRuns: 2000 },
  )
})

describe('samples', () => {
  test.each(samples)('%#', (text) => {
    const syntax = valid(text)
    const printed = printPolicy(syntax)
    expect(withoutSpans(valid(printed))).toEqual(withoutSpans(syntax))
    expect(printPolicy(valid(printed))).toBe(printed)
  })
})

test('the layout', () => {
  const text = `actor A{}resource R extends A,B,{roles=["a\\"",];relations={x:A,};"a"if("b"or"c" on"x")and not(global "g"or role);}
@f p(x:T,"a",R{"1"},_)if q(x)and(x=1 or x in[1,+02]and x<@current_unix_time)and not not x matches! T;r()if true;
declare d(A,B);test fixture f{p(1);}test "t"{setup{fixture f;p(2);}assert p(v:T)iff v in["x"];assert_not p(1);}`
  expect(printPolicy(valid(text))).toBe(`actor A {}

resource R extends A, B {
  roles = ["a\\""];
  relations = { x: A };
  "a" if ("b" or "c" on "x") and not (global "g" or role);
}

@f p(x: T, "a", R{"1"}, _) if
  q(x) and
  (x = 1 or x in [1, 2] and x < @current_unix_time) and
  not not x matches! T;

r() if true;

declare d(A, B);

test fixture f {
  p(1);
}

test "t" {
  setup {
    fixture f;
    p(2);
  }
  assert p(v: T) iff v in ["x"];
  assert_not p(1);
}
`)
})
