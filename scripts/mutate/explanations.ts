/** Mutations of explanations: rules, conditions and facts of a deny. */
import type { Mutation } from './mutation.ts'

const attempts = 'src/engine/explain-attempts.ts'
const explained = ['test/random/why.test.ts', 'test/portable/why.test.ts']

export const explanationMutations: readonly Mutation[] = [
  {
    name: 'rule-not-told',
    breaks: 'of the rules that could have given a permission the last one is left out',
    file: attempts,
    find: '    return found\n  }\n\n  /** Typed forms',
    replace: '    return found.length > 1 ? found.slice(0, -1) : found\n  }\n\n  /** Typed forms',
    tests: explained,
  },
  {
    name: 'last-failure-told',
    breaks: 'a rule is said to fail at the last condition that is left, not at the first',
    file: 'src/engine/explain-body.ts',
    find: 'if (!any) failed?.({ state, uses: inSourceOrder(uses, body.atoms), atom })',
    replace: 'if (!any) failed?.({ state, uses: inSourceOrder(uses, body.atoms), atom: others.at(-1) ?? atom })',
    tests: explained,
  },
  {
    name: 'nearest-failure-told',
    breaks: 'a rule is said to fail where the values that lead least far fail',
    file: attempts,
    find: 'if (failure.uses.length > most) best = []\n      if (failure.uses.length >= most)',
    replace: 'if (failure.uses.length < most) best = []\n      if (most < 0 || failure.uses.length <= most)',
    tests: explained,
  },
  {
    name: 'failure-of-one-type-told',
    breaks: 'a rule is said to fail at a condition that holds for other types of its variables',
    file: attempts,
    find: 'const best = furthest(firsts)',
    replace: 'const best = firsts.at(-1) ?? null',
    tests: explained,
  },
  {
    name: 'rules-of-one-value-told',
    breaks: 'where a condition fails for several values, the rules that could have given the first of them are told alone',
    file: attempts,
    find: 'goalsOf(best, failures.flat())',
    replace: 'goalsOf(best, [best])',
    tests: explained,
  },
]
