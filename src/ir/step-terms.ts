/** What a step mentions. */
import { unreachable } from '../base/assert.ts'
import type { Step } from './relation.ts'
import type { FactArgument } from './terms.ts'

/** Every term of a step, those of its negations included. */
export const stepTerms = (step: Step): readonly FactArgument[] => {
  switch (step.kind) {
    case 'fact':
      return step.args
    case 'call':
      return [...step.inputs, ...step.outputs]
    case 'in':
      return [step.term]
    case 'equal':
    case 'unequal':
    case 'order':
      return [step.left, step.right]
    case 'not':
      return step.bodies.flat().flatMap(stepTerms)
    default:
      return unreachable(step)
  }
}
