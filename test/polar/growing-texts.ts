/** Families of texts that grow: what a parser could take more than linear time for. */

import { randomOf } from '../random/prng.ts'
import { pieces } from './random-input.ts'

const repeat = (count: number, part: (index: number) => string, between = ''): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(between)

/** Each has about `size` repetitions of something. */
export const growingTexts: Readonly<Record<string, (size: number) => string>> = {
  'open parentheses': (size) => `p(x) if ${repeat(size, () => '(')}`,
  'closed parentheses': (size) => `p(x) if ${repeat(size, () => '(')}q(x)${repeat(size, () => ')')};`,
  'a row of not': (size) => `p(x) if ${repeat(size, () => 'not ')}q(x);`,
  'open blocks': (size) => repeat(size, (index) => `resource R${index} {\n`),
  'open tests': (size) => repeat(size, () => 'test "t" { setup { '),
  'closing braces': (size) => repeat(size, () => '}'),
  'every bracket open': (size) => repeat(size, () => '([{'),
  rules: (size) => repeat(size, (index) => `p${index}(x: T) if q(x) and not r(x, ${index});\n`),
  'rules with a mistake': (size) => repeat(size, () => 'p(x) if q(x)) and ;\n'),
  'rules without an end': (size) => repeat(size, () => 'p(x) if q(x)\n'),
  conditions: (size) => `p(x) if ${repeat(size, (index) => `q${index}(x)`, ' and ')};`,
  alternatives: (size) => `p(x) if ${repeat(size, (index) => `q${index}(x)`, ' or ')};`,
  'alternatives in shorthand': (size) => `resource R { roles = ["a"]; "a" if ${repeat(size, () => '"a"', ' or ')}; }`,
  'a list': (size) => `p(x) if x in [${repeat(size, (index) => `"${index}"`, ', ')}];`,
  'an open list': (size) => `p(x) if x in [${repeat(size, () => '1, ')}`,
  'lists in lists': (size) => `p(x) if x in ${repeat(size, () => '[')}`,
  'declared names': (size) => `resource R { roles = [${repeat(size, (index) => `"r${index}"`, ', ')}]; }`,
  relations: (size) => `resource R { relations = { ${repeat(size, (index) => `r${index}: R`, ', ')} }; }`,
  supertypes: (size) => `resource R extends ${repeat(size, (index) => `S${index}`, ', ')} {}`,
  arguments: (size) => `p(${repeat(size, (index) => `x${index}`, ', ')});`,
  'a chain of on': (size) => `resource R { "a" if "b"${repeat(size, () => ' on "c"')}; }`,
  flags: (size) => `${repeat(size, () => '@f ')}p(x);`,
  assertions: (size) => `test "t" { ${repeat(size, () => 'assert p(A{"1"}); ')}}`,
  'setup facts': (size) => `test "t" { setup { ${repeat(size, () => 'p(A{"1"}); ')}} assert p(A{"1"}); }`,
  'open strings': (size) => repeat(size, () => 'p("a);\n'),
  quotes: (size) => repeat(size, () => '"'),
  'a long string': (size) => `p("${repeat(size, () => 'abcdefgh')}");`,
  'a long open string': (size) => `p("${repeat(size, () => 'abcdefgh')}`,
  escapes: (size) => `p("${repeat(size, () => '\\n')}");`,
  'a long word': (size) => `${repeat(size, () => 'word')}(x);`,
  'a word of parts': (size) => `${repeat(size, () => 'a', '::')}(x);`,
  colons: (size) => repeat(size, () => '::'),
  'a long number': (size) => `p(${repeat(size, () => '1234567890')});`,
  signs: (size) => repeat(size, () => '+-'),
  decimals: (size) => repeat(size, () => '1.5e3 '),
  comments: (size) => repeat(size, () => '# comment\n'),
  'a long comment': (size) => `#${repeat(size, () => ' comment')}`,
  'blank lines': (size) => repeat(size, () => ' \t\r\n'),
  semicolons: (size) => repeat(size, () => ';'),
  'operators that are none': (size) => repeat(size, () => ':= == ?= && || '),
  'strange characters': (size) => repeat(size, () => '\u0000\uFFFE\uD800€'),
  'misspelled keywords': (size) => repeat(size, () => 'actr User {} resorce R { role = ["a"]; }\n'),
  'words of nothing': (size) => repeat(size, () => 'word '),
  'random tokens': (size) => {
    const random = randomOf(size)
    return repeat(size, () => random.pick(pieces), ' ')
  },
}
