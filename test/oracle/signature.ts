/** Whether a policy accepts a fact (polar.md 9.6). */
import { at } from '../../src/base/assert.ts'
import type { Fact } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'

export const isAccepted = (policy: CheckedPolicy, fact: Fact): boolean =>
  policy.signatures.some(
    ({ predicate, positions }) =>
      predicate === fact.predicate &&
      positions.length === fact.args.length &&
      positions.every(({ types, name }, index) => {
        const { type, id } = at(fact.args, index)
        return (types === null || types.includes(type)) && (name === null || (type === 'String' && name === id))
      }),
  )
