/** Policies of up to the size that a write may have, made to take time or memory, and what compiling each comes to. */

export interface HostilePolicy {
  readonly text: () => string
  /** Code of the error that refuses it; null when it compiles. */
  readonly code: string | null
}

const repeat = (count: number, part: (index: number) => string, between = ' '): string =>
  Array.from({ length: count }, (_, index) => part(index)).join(between)

const head = 'actor U {} resource D { permissions = ["p"]; }\n'
const rule = (body: string): string => `${head}has_permission(u: U, "p", d: D) if ${body};`
const either = (count: number): string => repeat(count, (index) => `(a${index}(u) or b${index}(d))`, ' and ')

export const hostilePolicies: Readonly<Record<string, HostilePolicy>> = {
  'parentheses, 200 deep': { text: () => rule(`${'('.repeat(200)}g(u, d)${')'.repeat(200)}`), code: null },
  'parentheses, 100,000 deep': { text: () => rule(`${'('.repeat(100_000)}g(u, d)${')'.repeat(100_000)}`), code: 'nesting-too-deep' },
  'not, 200 deep': { text: () => rule(`g(u, d) and ${'not '.repeat(200)}h(u, d)`), code: null },
  'not, 100,000 deep': { text: () => rule(`g(u, d) and ${'not '.repeat(100_000)}h(u, d)`), code: 'nesting-too-deep' },
  'blocks that are never closed': { text: () => repeat(60_000, () => 'resource R {'), code: 'unexpected-token' },
  '10,000 rules': { text: () => head + repeat(10_000, (i) => `p${i}(u: U, d: D) if q${i}(u, d) and not r${i}(u);\n`), code: null },
  '10,000 rules of one predicate': {
    text: () => head + repeat(10_000, (i) => `has_permission(u: U, "p", d: D) if g(u, d, ${i});\n`),
    code: null,
  },
  '10,000 rules, each calling the next': { text: () => head + repeat(10_000, (i) => `p${i}(u: U) if p${i + 1}(u);\n`), code: null },
  '10,000 rules in a circle': { text: () => head + repeat(10_000, (i) => `p${i}(u: U) if p${(i + 1) % 10_000}(u);\n`), code: null },
  '10,000 equal rules': { text: () => head + repeat(10_000, () => 'p(u: U) if q(u);\n'), code: null },
  '10,000 rules with a mistake': { text: () => head + repeat(10_000, () => 'p(u: U) if q(u) and ;\n'), code: 'unexpected-token' },
  '20,000 policy facts': { text: () => head + repeat(20_000, (i) => `g(U{"u${i}"}, D{"d${i}"});\n`), code: null },
  '2,000 negations in a circle': {
    text: () => head + repeat(2000, (i) => `p${i}(u: U) if q(u) and not p${(i + 1) % 2000}(u);\n`),
    code: 'negation-through-recursion',
  },
  '2,000 negations in a row': { text: () => head + repeat(2000, (i) => `p${i}(u: U) if q(u) and not p${i + 1}(u);\n`), code: null },
  'names in a circle of negations': {
    text: () =>
      `actor U {} resource D { permissions = [${repeat(400, (i) => `"p${i}"`, ', ')}]; roles = ["r"]; ${repeat(400, (i) => `"p${i}" if "r" and not "p${(i + 1) % 400}";`)} }`,
    code: 'negation-through-recursion',
  },
  'types to the power of variables, negated': {
    text: () =>
      `actor U {} ${repeat(60, (i) => `resource T${i} {}`)} p(a, b, c, d) if q(a, b, c, d) and not r(a, b, c, d); r(a, b, c, d) if q(a, b, c, d) and not s(a, b); s(a, b) if t(a, b, c) and p(a, b, c, c); q(a: Resource, b: Resource, c: Resource, d: Resource) if z(a) and z(b) and z(c) and z(d);`,
    code: 'policy-too-complex',
  },
  '4,096 alternatives': { text: () => rule(either(12)), code: null },
  '8,192 alternatives': { text: () => rule(either(13)), code: 'rule-too-complex' },
  '2 to the power of 5,000 alternatives': { text: () => rule(either(5000)), code: 'rule-too-complex' },
  'the same inside a negation': { text: () => rule(`g(u, d) and not (${either(5000)})`), code: 'rule-too-complex' },
  'the same in shorthand': {
    text: () => `actor U {} resource D { roles = ["a", "b"]; permissions = ["p"]; "p" if ${repeat(5000, () => '("a" or "b")', ' and ')}; }`,
    code: 'rule-too-complex',
  },
  '500 rules of 1,024 alternatives': {
    text: () => head + repeat(500, (i) => `p${i}(u: U, d: D) if ${either(10)};\n`),
    code: 'policy-too-complex',
  },
  '40,000 alternatives that are written': { text: () => rule(repeat(40_000, (i) => `g(u, d, ${i})`, ' or ')), code: 'rule-too-complex' },
  '40,000 conditions': { text: () => rule(repeat(40_000, (i) => `g(u, d, ${i})`, ' and ')), code: null },
  'a list of 80,000': { text: () => rule(`g(u, d, x) and x in [${repeat(80_000, String, ', ')}]`), code: null },
  'a list of 80,000 with a variable': {
    text: () => rule(`g(u, d, x) and x in [${repeat(80_000, String, ', ')}, x]`),
    code: 'bad-list-element',
  },
  'a list of 60,000 faulty elements': {
    text: () => rule(`g(u, d, x) and x in [1, ${repeat(60_000, () => '"a"', ', ')}]`),
    code: 'bad-list-element',
  },
  '2,000 lists of 50': {
    text: () => rule(repeat(2000, (i) => `x${i} in [${repeat(50, String, ', ')}] and g(u, d, x${i})`, ' and ')),
    code: null,
  },
  '50,000 names': {
    text: () => `actor U {} resource D { roles = [${repeat(50_000, (i) => `"r${i}"`, ', ')}]; permissions = ["p"]; "p" if "r0"; }`,
    code: null,
  },
  '10,000 misspelled names': {
    text: () =>
      `actor U {} resource D { roles = [${repeat(2000, (i) => `"role${i}"`, ', ')}]; permissions = ["p"]; ${repeat(10_000, (i) => `"p" if "rule${i}";`)} }`,
    code: 'undeclared-name',
  },
  '20,000 blocks': { text: () => repeat(20_000, (i) => `resource R${i} { roles = ["r"]; }\n`), code: null },
  '10,000 blocks of one type': { text: () => `actor U {}\n${repeat(10_000, (i) => `resource D { roles = ["r${i}"]; }\n`)}`, code: null },
  'a chain of 10,000 supertypes': {
    text: () => `resource R0 { roles = ["r"]; } ${repeat(10_000, (i) => `resource R${i + 1} extends R${i} {}`)}`,
    code: 'policy-too-complex',
  },
  'a circle of 10,000 supertypes': {
    text: () => repeat(10_000, (i) => `resource R${i} extends R${(i + 1) % 10_000} {}`),
    code: 'bad-extends',
  },
  '10,000 variables that are equal': {
    text: () => rule(`g(u, d, x0) and ${repeat(10_000, (i) => `x${i} = x${i + 1}`, ' and ')}`),
    code: null,
  },
  '20,000 untyped variables': { text: () => rule(repeat(20_000, (i) => `g(x${i}, x${i + 1})`, ' and ')), code: null },
  'types that follow from one another': {
    text: () => `actor U {} resource D {} p0(x: D) if g(x); ${repeat(5000, (i) => `p${i + 1}(x) if p${i}(x);`)}`,
    code: null,
  },
  'a fact of 900,000 bytes': { text: () => `${head}g(U{"${'u'.repeat(900_000)}"});`, code: 'argument-too-long' },
  'a word of 900,000 characters': { text: () => `${head}${'w'.repeat(900_000)}(u: U) if g(u);`, code: null },
  'a rule of 10,000 arguments': { text: () => `${head}p(${repeat(10_000, (i) => `x${i}`, ', ')}) if q(x0);`, code: 'too-many-arguments' },
  '10,000 assertions': {
    text: () => `${head}test "t" { ${repeat(10_000, (i) => `assert allow(U{"u${i}"}, "p", D{"d"});`)} }`,
    code: null,
  },
  '1,000 tests with a fixture of 2,000 facts': {
    text: () =>
      `${head}test fixture f { ${repeat(2000, (i) => `has_permission(U{"u${i}"}, "p", D{"d"});`)} } ${repeat(1000, (i) => `test "t${i}" { setup { fixture f; } assert allow(U{"u1"}, "p", D{"d"}); }`)}`,
    code: 'policy-too-complex',
  },
}
