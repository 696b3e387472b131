/** Every documented way to break the program. */
import { answerMutations } from './answers.ts'
import { explanationMutations } from './explanations.ts'
import { languageMutations } from './language.ts'
import type { Mutation } from './mutation.ts'
import { planningMutations } from './planning.ts'
import { stateMutations } from './state.ts'
import { statementMutations } from './statements.ts'

export const mutations: readonly Mutation[] = [
  ...languageMutations,
  ...planningMutations,
  ...statementMutations,
  ...answerMutations,
  ...explanationMutations,
  ...stateMutations,
]
