/** One way to break the program on purpose, and the tests that must notice. */
export interface Mutation {
  /** Kebab-case, unique. */
  readonly name: string
  /** What goes wrong. */
  readonly breaks: string
  readonly file: string
  /** Text that stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Test files, the fastest that should notice first. */
  readonly tests: readonly string[]
}

export class PatchError extends Error {
  override readonly name = 'PatchError'
}

/** The text of the file with the mutation. Throws PatchError when the mutation is about another text. */
export const mutated = ({ name, find, replace, file }: Mutation, text: string): string => {
  const places = text.split(find).length - 1
  if (places !== 1) throw new PatchError(`\`${name}\` no longer applies: its text stands ${places} times in ${file}, expected once`)
  if (find === replace) throw new PatchError(`\`${name}\` changes nothing`)
  return text.replace(find, () => replace)
}
