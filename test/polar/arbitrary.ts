/** Random syntax trees of valid policies; spans are all the same and mean nothing. */
import fc from 'fast-check'
import type {
  Assertion,
  Block,
  Call,
  Declaration,
  Expression,
  Head,
  Item,
  Literal,
  Name,
  Parameter,
  PolicySyntax,
  Rule,
  SetupFact,
  ShorthandExpression,
  ShorthandTerm,
  Term,
} from '../../src/polar/ast.ts'
import { reservedWords } from '../../src/polar/token.ts'

const span = { file: 0, start: 0, end: 0 }

/** Words that are keywords in some place stand among the names. */
const keywords = [
  'actor',
  'resource',
  'global',
  'extends',
  'on',
  'declare',
  'test',
  'fixture',
  'setup',
  'assert',
  'assert_not',
  'iff',
  'role',
  'type',
  'roles',
]
const start = fc.constantFrom('a', 'B', '_', 'é', '漢', '😀', 'x')
const part = fc.constantFrom('a', '_', '0', '9', 'é', '😀')
const segment = fc.tuple(start, fc.string({ unit: part, maxLength: 3 })).map(([first, rest]) => first + rest)
const symbolText = fc
  .oneof(
    fc.constantFrom(...keywords),
    fc
      .tuple(fc.array(segment, { minLength: 1, maxLength: 2 }), fc.constantFrom('', '', '', '?'))
      .map(([segments, end]) => segments.join('::') + end),
  )
  .filter((text) => !reservedWords.has(text))
const name: fc.Arbitrary<Name> = symbolText.map((text) => ({ text, span }))

const stringText = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', '\\', '\n', '\r', '\t', '\0', '#', ';', ' ', '\uFEFF'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
  maxLength: 5,
})
const literal: fc.Arbitrary<Literal> = fc.oneof(
  stringText.map((value) => ({ kind: 'string', value, span }) as const),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ kind: 'integer', value: value.toString(), span }) as const),
  fc.boolean().map((value) => ({ kind: 'boolean', value, span }) as const),
)
const object: fc.Arbitrary<Term> = fc.record({ kind: fc.constant('object'), type: name, id: literal, span: fc.constant(span) })
const variable: fc.Arbitrary<Term> = fc.oneof(symbolText, fc.constant('_')).map((text) => ({ kind: 'variable', name: text, span }))
const term: fc.Arbitrary<Term> = fc.oneof(literal, object, variable, fc.constant<Term>({ kind: 'now', span }))

const few = <T>(item: fc.Arbitrary<T>, minLength = 0): fc.Arbitrary<T[]> => fc.array(item, { minLength, maxLength: 3 })

const parameter: fc.Arbitrary<Parameter> = fc.oneof(
  fc.record({ kind: fc.constant('typed'), name, type: name, span: fc.constant(span) }),
  fc.record({ kind: fc.constant('term'), term, span: fc.constant(span) }),
)
const head: fc.Arbitrary<Head> = fc.record({ predicate: name, params: few(parameter), span: fc.constant(span) })
const foreign = new Set(['forall', 'print', 'debug'])
const call: fc.Arbitrary<Call> = fc.record({
  kind: fc.constant('call'),
  predicate: name.filter(({ text }) => !foreign.has(text)),
  args: few(term),
  span: fc.constant(span),
})

/** Parentheses are not part of the tree: a chain holds another only where the printer writes them, or needs none. */
const logic = <E>(item: fc.Arbitrary<E>) => [
  fc.record({ kind: fc.constantFrom('or', 'and'), items: fc.array(item, { minLength: 2, maxLength: 3 }), span: fc.constant(span) }),
  fc.record({ kind: fc.constant('not'), item, span: fc.constant(span) }),
]

const condition: fc.Arbitrary<Expression> = fc.oneof(
  fc.record({ kind: fc.constant('equal'), left: term, right: term, span: fc.constant(span) }),
  fc.record({
    kind: fc.constant('comparison'),
    operator: fc.constantFrom('<', '<=', '>', '>=', '!='),
    left: term,
    right: term,
    span: fc.constant(span),
  }),
  fc.record({ kind: fc.constant('in'), term, list: few(term), span: fc.constant(span) }),
  fc.record({ kind: fc.constant('matches'), variable: name, type: name, exact: fc.boolean(), span: fc.constant(span) }),
  call,
  fc.record({ kind: fc.constant('constant'), value: fc.boolean(), span: fc.constant(span) }),
)
const expression = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, condition, ...(logic(tie('tree')) as fc.Arbitrary<Expression>[])),
})).tree

const shorthandTerm: fc.Arbitrary<ShorthandTerm> = fc.oneof(
  stringText.map((text) => ({ kind: 'quoted', text, span }) as const),
  symbolText.map((text) => ({ kind: 'word', text, span }) as const),
)
const shorthandCondition: fc.Arbitrary<ShorthandExpression> = fc.oneof(
  call,
  fc.record({ kind: fc.constant('global'), term: shorthandTerm, span: fc.constant(span) }),
  fc.record({ kind: fc.constant('condition'), term: shorthandTerm, on: fc.option(shorthandTerm), span: fc.constant(span) }),
)
const shorthandExpression = fc.letrec<{ tree: ShorthandExpression }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    shorthandCondition,
    ...(logic(tie('tree')) as fc.Arbitrary<ShorthandExpression>[]),
  ),
})).tree

const declaration: fc.Arbitrary<Declaration> = fc.record({
  kind: fc.constant('declaration'),
  key: name,
  value: fc.oneof(
    fc.record({ kind: fc.constant('list'), items: few(term), span: fc.constant(span) }),
    fc.record({ kind: fc.constant('map'), fields: few(fc.record({ name, type: name, span: fc.constant(span) })), span: fc.constant(span) }),
  ),
  span: fc.constant(span),
})
const flags = fc.array(
  name.filter(({ text }) => text !== 'current_unix_time'),
  { maxLength: 2 },
)
const shorthand = fc.record({
  kind: fc.constant('shorthand'),
  flags,
  head: shorthandTerm,
  body: shorthandExpression,
  span: fc.constant(span),
})
const items = few(fc.oneof(declaration, shorthand))
const block: fc.Arbitrary<Block> = fc.oneof(
  fc.record({
    kind: fc.constant('block'),
    block: fc.constantFrom('actor', 'resource'),
    type: name,
    supertypes: few(name),
    items,
    span: fc.constant(span),
  }),
  items.map((list) => ({ kind: 'block', block: 'global', type: null, supertypes: [], items: list, span }) as const),
)

const rule: fc.Arbitrary<Rule> = fc.record({ kind: fc.constant('rule'), flags, head, body: fc.option(expression), span: fc.constant(span) })
const fact: fc.Arbitrary<SetupFact> = fc.record({ kind: fc.constant('fact'), predicate: name, args: few(term, 1), span: fc.constant(span) })
const use = fc.record({ kind: fc.constant('use'), name, span: fc.constant(span) })
const assertion: fc.Arbitrary<Assertion> = fc.record({
  kind: fc.constant('assertion'),
  negated: fc.boolean(),
  goal: head,
  iff: fc.option(expression),
  span: fc.constant(span),
})

const item: fc.Arbitrary<Item> = fc.oneof(
  block,
  rule,
  fc.record({ kind: fc.constant('declare'), predicate: name, types: few(name, 1), span: fc.constant(span) }),
  fc.record({ kind: fc.constant('fixture'), name, facts: few(fact), span: fc.constant(span) }),
  fc.record({
    kind: fc.constant('test'),
    name: stringText.map((text) => ({ text, span })),
    setup: few(fc.oneof(fact, use)),
    assertions: few(assertion, 1),
    span: fc.constant(span),
  }),
)

export const policySyntax: fc.Arbitrary<PolicySyntax> = fc.record({ items: few(item) })
