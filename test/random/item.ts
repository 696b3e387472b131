/** A top-level item of a random policy, in parts that a shrinker can leave out. */

export interface Item {
  readonly kind: 'block' | 'rule'
  /** `resource Doc`, `global`, or the head of a rule. */
  readonly head: string
  /** Lines of a block; conditions of a rule, all of which must hold. */
  readonly parts: readonly string[]
}

export const itemText = ({ kind, head, parts }: Item): string => {
  if (kind === 'rule') return parts.length === 0 ? `${head};` : `${head} if ${parts.join(' and ')};`
  return parts.length === 0 ? `${head} {}` : `${head} {\n${parts.map((part) => `  ${part}\n`).join('')}}`
}
