/** Decisions are checked against the reference before anything is timed: a fast wrong answer is worth nothing. */
import { askCheck, askList, askPage, askSubjects } from './ask.ts'
import type { CheckQuestion } from './questions.ts'
import type { World } from './world.ts'

/** Throws at the first answer that differs. */
export const agreeOnChecks = (world: World, questions: readonly CheckQuestion[]): void => {
  for (const question of questions) {
    const found = askCheck(world.engine, question)
    if (found !== question.allowed) throw new Error(`${JSON.stringify(question)}: the engine answers ${found} at ${world.size}`)
  }
}

export const agreeOnList = ({ engine, reference, size }: World, user: string, action: string): void =>
  same(
    `list of ${action} by ${user} at ${size}`,
    askList(engine, user, { action, resourceType: reference.resourceType }),
    reference.list(user, action),
  )

export const agreeOnSubjects = ({ engine, reference, size }: World, id: string, action: string): void =>
  same(
    `subjects of ${action} on ${id} at ${size}`,
    askSubjects(engine, { type: reference.resourceType, id }, action),
    reference.subjects(action, id),
  )

/** Follows all pages of the auditor. */
export const agreeOnPages = ({ engine, reference, size, data }: World, pageSize: number): void => {
  const { action, auditor } = data.lists
  const found: string[] = []
  for (let after: string | null = null; ; ) {
    const { ids, more } = askPage(engine, auditor.id, { action, resourceType: reference.resourceType, size: pageSize, after })
    found.push(...ids)
    if (!more) break
    after = found.at(-1) ?? null
  }
  same(`pages of the auditor at ${size}`, found, reference.list(auditor.id, action))
}

const same = (what: string, found: readonly string[], wanted: readonly string[]): void => {
  const sorted = wanted.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  const index = sorted.findIndex((id, position) => id !== found[position])
  if (index === -1 && found.length === sorted.length) return
  throw new Error(`${what}: ${found.length} answers for ${sorted.length}, the first difference at ${index === -1 ? sorted.length : index}`)
}
