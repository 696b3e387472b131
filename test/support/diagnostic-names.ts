/** The stable codes of diagnostics, written out: by section of polar.md 17, each beside the name of its row. A code that is renamed fails here. */

/** Code by the name that the specification gives it. */
export type Names = Readonly<Record<string, string>>

export const syntaxErrorNames: Names = {
  'unexpected token': 'unexpected-token',
  'unterminated string': 'unterminated-string',
  'unsupported number': 'unsupported-number',
  'integer out of range': 'integer-out-of-range',
  'nesting too deep': 'nesting-too-deep',
  'not part of Polar: equality or assignment': 'not-part-of-polar-equality-or-assignment',
  'not part of Polar: attributes': 'not-part-of-polar-attributes',
  'not part of Polar: arithmetic, loops, output': 'not-part-of-polar-arithmetic-loops-output',
  'not part of Polar: rule type': 'not-part-of-polar-rule-type',
  'not part of Polar: inline query': 'not-part-of-polar-inline-query',
  'chained on': 'chained-on',
}

export const blockErrorNames: Names = {
  'unknown declaration': 'unknown-declaration',
  'wrong declaration shape': 'wrong-declaration-shape',
  'duplicate declaration': 'duplicate-declaration',
  'name used twice': 'name-used-twice',
  'undeclared name': 'undeclared-name',
  'undeclared name on related type': 'undeclared-name-on-related-type',
  'not a relation': 'not-a-relation',
  'relation as head': 'relation-as-head',
  'resource relation without on': 'resource-relation-without-on',
  'unknown word': 'unknown-word',
  'undeclared global name': 'undeclared-global-name',
  'bad global block': 'bad-global-block',
  'reserved type name': 'reserved-type-name',
  'conflicting blocks': 'conflicting-blocks',
  'unknown relation type': 'unknown-relation-type',
  'bad extends': 'bad-extends',
  'abstract relation with on': 'abstract-relation-with-on',
}

export const ruleErrorNames: Names = {
  'bad object literal': 'bad-object-literal',
  'contradictory types': 'contradictory-types',
  'wrong operand': 'wrong-operand',
  'unbound variable': 'unbound-variable',
  'variable shared by negations': 'variable-shared-by-negations',
  'negation through recursion': 'negation-through-recursion',
  'bad list element': 'bad-list-element',
  'too many arguments': 'too-many-arguments',
  'zero-argument fact type': 'zero-argument-fact-type',
}

export const testErrorNames: Names = {
  'duplicate test or fixture': 'duplicate-test-or-fixture',
  'unknown fixture': 'unknown-fixture',
  'misplaced setup': 'misplaced-setup',
  'empty test': 'empty-test',
  'setup fact not ground': 'setup-fact-not-ground',
  'fact not used in policy': 'fact-not-used-in-policy',
  'unknown goal': 'unknown-goal',
  'bad assertion variable': 'bad-assertion-variable',
  'bad iff': 'bad-iff',
}

export const failedAssertionNames: Names = {
  'assertion failed': 'assertion-failed',
  'assertion failed, sets': 'assertion-failed-sets',
}

export const refusalNames: Names = {
  'cannot be enumerated': 'cannot-be-enumerated',
  'linked wildcards': 'linked-wildcards',
  'query too slow': 'query-too-slow',
}

export const warningNames: Names = {
  'undeclared type': 'undeclared-type',
  'variable used once': 'variable-used-once',
  'untyped variable': 'untyped-variable',
  'cannot be enumerated': 'cannot-be-enumerated',
  'can never match': 'can-never-match',
  'always true': 'always-true',
  'always false': 'always-false',
  'abstract type without members': 'abstract-type-without-members',
  'goal cannot match': 'goal-cannot-match',
  'unknown rule flag': 'unknown-rule-flag',
  'duplicate rule': 'duplicate-rule',
  'unused fixture': 'unused-fixture',
}

export const factWarningNames: Names = { 'facts no longer used': 'facts-no-longer-used' }

/** Codes that the specification has no row for. */
export const ownCodes: readonly string[] = [
  'invalid-utf-8',
  'not-part-of-polar-other',
  'argument-too-long',
  'rule-too-complex',
  'policy-too-complex',
  'query-too-large',
  'query-too-complex',
]
