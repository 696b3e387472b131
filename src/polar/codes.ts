/** Every code of a diagnostic. Codes are stable, and each has its entry in docs/reference/diagnostics.md. */

export const syntaxErrors = [
  'invalid-utf-8',
  'unexpected-token',
  'unterminated-string',
  'unsupported-number',
  'integer-out-of-range',
  'nesting-too-deep',
  'not-part-of-polar-equality-or-assignment',
  'not-part-of-polar-attributes',
  'not-part-of-polar-arithmetic-loops-output',
  'not-part-of-polar-rule-type',
  'not-part-of-polar-inline-query',
  'not-part-of-polar-other',
  'chained-on',
] as const

export const blockErrors = [
  'unknown-declaration',
  'wrong-declaration-shape',
  'duplicate-declaration',
  'name-used-twice',
  'undeclared-name',
  'undeclared-name-on-related-type',
  'not-a-relation',
  'relation-as-head',
  'resource-relation-without-on',
  'unknown-word',
  'undeclared-global-name',
  'bad-global-block',
  'reserved-type-name',
  'conflicting-blocks',
  'unknown-relation-type',
  'bad-extends',
  'abstract-relation-with-on',
] as const

export const ruleErrors = [
  'bad-object-literal',
  'contradictory-types',
  'wrong-operand',
  'unbound-variable',
  'variable-shared-by-negations',
  'negation-through-recursion',
  'bad-list-element',
  'too-many-arguments',
  'zero-argument-fact-type',
  'argument-too-long',
  'rule-too-complex',
  'policy-too-complex',
] as const

export const testErrors = [
  'duplicate-test-or-fixture',
  'unknown-fixture',
  'misplaced-setup',
  'empty-test',
  'setup-fact-not-ground',
  'fact-not-used-in-policy',
  'unknown-goal',
  'bad-assertion-variable',
  'bad-iff',
] as const

export const warnings = [
  'undeclared-type',
  'variable-used-once',
  'untyped-variable',
  'cannot-be-enumerated',
  'can-never-match',
  'always-true',
  'always-false',
  'abstract-type-without-members',
  'goal-cannot-match',
  'unknown-rule-flag',
  'duplicate-rule',
  'unused-fixture',
] as const

/** Of a test of a policy, when the policy itself is right. */
export const failedAssertions = ['assertion-failed', 'assertion-failed-sets'] as const

/** Of a question to a policy that is in force. */
export const refusals = ['cannot-be-enumerated', 'linked-wildcards', 'query-too-slow', 'query-too-large', 'query-too-complex'] as const

/** Of a policy that is saved over facts. */
export const factWarnings = ['facts-no-longer-used'] as const

export type AssertionCode = (typeof failedAssertions | typeof refusals)[number]
export type ErrorCode = (typeof syntaxErrors | typeof blockErrors | typeof ruleErrors | typeof testErrors)[number]
export type WarningCode = (typeof warnings)[number]
