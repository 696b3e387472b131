/** The engine and the reference of the bench agree on small organisations, and the full ones have the shares that the bench counts on. */

import { describe, expect, test } from 'vitest'
import { agreeOnChecks, agreeOnList, agreeOnPages, agreeOnSubjects } from '../../scripts/bench/agree.ts'
import { auditor, type GithubShape, githubFacts, githubSet, githubShapes } from '../../scripts/bench/github.ts'
import { checkQuestions } from '../../scripts/bench/questions.ts'
import { actions, Reference } from '../../scripts/bench/reference.ts'
import type { World } from '../../scripts/bench/world.ts'
import { at } from '../../src/base/assert.ts'
import { worldOf as loadedWorld } from '../support/bench.ts'

const cutDown: GithubShape = { organizations: 2, members: 20, teams: 7, repositories: 12, issues: 3, audited: 1, inspected: 1 }

const worldOf = (shape: GithubShape): World => loadedWorld(githubSet(shape))

describe('two small organisations', () => {
  const world = worldOf(cutDown)
  const { reference } = world
  const users = reference.users()
  const issues = reference.resources()

  test('have who and what the shape says', () => {
    expect([users.length, issues.length]).toEqual([42, 72])
    expect(users).toContain(auditor.id)
  })

  test('every user, action and issue', () => {
    const all = users.flatMap((user) =>
      actions.flatMap((action) =>
        issues.map((id) => ({ user, action, resource: { type: 'Issue', id }, allowed: reference.allowed(user, action, id) })),
      ),
    )
    const allowed = all.filter((question) => question.allowed).length
    expect(allowed).toBeGreaterThan(all.length / 10)
    expect(allowed).toBeLessThan(all.length / 2)
    expect(() => agreeOnChecks(world, all)).not.toThrow()
  })

  test('every list and all subjects', () => {
    const agree = (): void => {
      for (const action of actions) {
        for (const user of users) agreeOnList(world, user, action)
        for (const issue of issues) agreeOnSubjects(world, issue, action)
      }
      agreeOnPages(world, 5)
    }
    expect(agree).not.toThrow()
  })

  test('a wrong reference is found', () => {
    const question = at(checkQuestions(reference, 1, 1), 0)
    expect(() => agreeOnChecks(world, [{ ...question, allowed: !question.allowed }])).toThrow('the engine answers')
    const other = { ...world, reference: new Reference(githubFacts({ ...cutDown, organizations: 1 })) }
    expect(() => agreeOnPages({ ...other, engine: worldOf({ ...cutDown, audited: 0 }).engine }, 5)).toThrow('0 answers for 36')
  })
})

describe('an organisation of full size', () => {
  const shape: GithubShape = { ...githubShapes['10k'], audited: 1, inspected: 0 }
  const facts = [...githubFacts(shape)]
  const reference = new Reference(facts)

  test('has about 5,260 facts, the same ones each time', () => {
    expect(Math.abs(facts.length / shape.organizations - 5260)).toBeLessThan(30)
    expect([...githubFacts(shape)]).toEqual(facts)
    expect(new Set(facts.map((fact) => JSON.stringify(fact))).size).toBeGreaterThan(facts.length - 30)
  })

  test('lets a user read about 600 issues and about 30 users read an issue', () => {
    const users = reference.users().filter((user) => user !== auditor.id)
    const issues = reference.resources()
    const mean = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0) / numbers.length
    expect(Math.abs(mean(users.map((user) => reference.readable(user))) - 600)).toBeLessThan(60)
    expect(Math.abs(mean(issues.map((issue) => reference.subjects('read', issue).length)) - 30)).toBeLessThan(3)
    expect(reference.readable(auditor.id)).toBe(2000)
  })

  test('questions are allowed three times of five, and the same ones each time', () => {
    const questions = checkQuestions(reference, 2000, 7)
    expect(Math.abs(questions.filter((question) => question.allowed).length / 2000 - 0.6)).toBeLessThan(0.05)
    expect(checkQuestions(reference, 2000, 7)).toEqual(questions)
    for (const { user, action, resource, allowed } of questions) expect(reference.allowed(user, action, resource.id)).toBe(allowed)
  })
})
