/** The engine and the answers of the Drive-like set agree on small tenants, and a full one has the shares that the bench counts on. */
import { describe, expect, test } from 'vitest'
import { agreeOnChecks, agreeOnList, agreeOnPages, agreeOnSubjects } from '../../scripts/bench/agree.ts'
import { type DriveShape, driveFacts, driveSet, driveShapes, folderCount } from '../../scripts/bench/drive.ts'
import { DriveAnswers } from '../../scripts/bench/drive-answers.ts'
import { checkQuestions } from '../../scripts/bench/questions.ts'
import { worldOf } from '../support/bench.ts'

const cutDown: DriveShape = {
  tenants: 2,
  users: 15,
  groups: 4,
  memberships: 2,
  branching: 2,
  levels: 5,
  documents: 2,
  audited: 1,
  crowd: 6,
}

describe('two small tenants', () => {
  const world = worldOf(driveSet(cutDown))
  const { reference } = world
  const users = reference.users()
  const documents = reference.resources()

  test('have who and what the shape says', () => {
    // The auditor and the inspector beside them; the last document is that of the crowd.
    expect([users.length, documents.length]).toEqual([2 * 15 + 2, 2 * 31 * 2 + 1])
    expect(reference.subjects('comment', 'doc_crowd').length).toBe(6)
  })

  test('every user, action and document', () => {
    const all = users.flatMap((user) =>
      reference.actions.flatMap((action) =>
        documents.map((id) => ({ user, action, resource: { type: 'Document', id }, allowed: reference.allowed(user, action, id) })),
      ),
    )
    const allowed = all.filter((question) => question.allowed).length
    expect(allowed).toBeGreaterThan(all.length / 50)
    expect(allowed).toBeLessThan(all.length / 2)
    expect(() => agreeOnChecks(world, all)).not.toThrow()
    expect(() =>
      agreeOnChecks(
        world,
        all.slice(0, 1).map((question) => ({ ...question, allowed: !question.allowed })),
      ),
    ).toThrow('the engine answers')
  })

  test('every list, and all subjects of what not everyone reads', () => {
    const agree = (): void => {
      for (const action of reference.actions) for (const user of users) agreeOnList(world, user, action)
      for (const action of ['comment', 'write']) for (const id of documents) agreeOnSubjects(world, id, action)
      agreeOnPages(world, 5)
    }
    expect(agree).not.toThrow()
  })

  test('the answers are those of checks, taken together', () => {
    for (const user of users.slice(0, 5))
      for (const action of reference.actions)
        expect(reference.list(user, action).toSorted()).toEqual(documents.filter((id) => reference.allowed(user, action, id)).toSorted())
  })
})

describe('a tenant of full size', () => {
  const shape: DriveShape = { ...driveShapes['10k'], crowd: 10 }
  const facts = [...driveFacts(shape)]
  const answers = new DriveAnswers(facts)

  test('has the shares of the data set, the same ones each time', () => {
    const count = (wanted: (key: string) => boolean): number =>
      facts.filter(({ predicate, args }) => wanted([predicate, ...args.map(({ type }) => type)].join(' '))).length
    expect(folderCount(shape)).toBe(1365)
    expect(count((key) => key === 'has_relation Folder String Folder')).toBe(1364)
    expect(count((key) => key === 'has_relation Document String Folder')).toBe(6825 + 1)
    expect(count((key) => key === 'has_role User String Group')).toBe(600)
    expect(Math.abs(count((key) => key === 'has_role Group String Folder') / 1365 - 0.02)).toBeLessThan(0.01)
    expect(Math.abs(count((key) => key === 'has_role User String Document') / 6825 - 0.1)).toBeLessThan(0.02)
    expect(Math.abs(count((key) => key === 'is_public Document') / 6825 - 0.01)).toBeLessThan(0.005)
    expect([...driveFacts(shape)]).toEqual(facts)
  })

  test('questions are allowed three times of five', () => {
    const questions = checkQuestions(answers, 1000, 7)
    expect(Math.abs(questions.filter(({ allowed }) => allowed).length / 1000 - 0.6)).toBeLessThan(0.1)
    for (const { user, action, resource, allowed } of questions) expect(answers.allowed(user, action, resource.id)).toBe(allowed)
  })
})
