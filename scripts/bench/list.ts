/** Lists, pages and subjects in process. */
import { assert, at } from '../../src/base/assert.ts'
import { agreeOnList, agreeOnPages, agreeOnSubjects } from './agree.ts'
import { askList, askPage, askSubjects } from './ask.ts'
import { atMost, type Bar, type Figure } from './figure.ts'
import { auditor } from './github.ts'
import { Random } from './random.ts'
import { Samples } from './timing.ts'
import type { World } from './world.ts'

const ROUNDS = 10
const USERS = 20
const ISSUES = 200
const PAGE = 100

export const listFigures = (world: World): Figure[] => {
  const { engine, reference, size } = world
  // The bars hold at the size they were set for.
  const bar = (limit: number): { readonly bar?: Bar } => (size === '1m' ? { bar: atMost(limit) } : {})
  const users = typicalUsers(world)
  const issues = typicalIssues(world)
  const readable = reference.readable(auditor.id)
  for (const user of users) agreeOnList(world, user, 'read')
  for (const issue of issues) agreeOnSubjects(world, issue, 'read')
  agreeOnList(world, auditor.id, 'read')
  agreeOnPages(world, 10_000)

  const lists = timed(users, ROUNDS, (user) => askList(engine, user, 'read').length)
  const sparsePages = timed(users, 1, (user) => askPage(engine, user, { size: PAGE, after: null }).ids.length)
  const subjects = timed(issues, ROUNDS, (issue) => askSubjects(engine, issue, 'read').length)
  const firstPages = timed([null], 5 * ROUNDS, (after) => askPage(engine, auditor.id, { size: PAGE, after }).ids.length)
  const all = new Random(4).shuffled(reference.list(auditor.id, 'read'))
  const laterPages = timed(all.slice(0, 5 * ROUNDS), 1, (after) => askPage(engine, auditor.id, { size: PAGE, after }).ids.length)
  const whole = timed([auditor.id], 5, (id) => askList(engine, id, 'read').length)
  return [
    { name: 'list of about 600 issues p50', size, value: lists.p50, unit: 'ms', ...bar(5) },
    { name: 'list of about 600 issues p99', size, value: lists.p99, unit: 'ms' },
    { name: 'first 100 of about 600 p50', size, value: sparsePages.p50, unit: 'ms' },
    { name: 'subjects of an issue (about 30) p50', size, value: subjects.p50, unit: 'ms', ...bar(2) },
    { name: 'subjects of an issue (about 30) p99', size, value: subjects.p99, unit: 'ms' },
    { name: `first 100 of ${readable} p50`, size, value: firstPages.p50, unit: 'ms', ...bar(20) },
    { name: `a later 100 of ${readable} p50`, size, value: laterPages.p50, unit: 'ms' },
    { name: `all ${readable} p50`, size, value: whole.p50, unit: 'ms' },
  ]
}

/** Times `work` on every item, `rounds` times over; an answer is never empty. */
const timed = <T>(items: readonly T[], rounds: number, work: (item: T) => number): Samples => {
  const samples = new Samples()
  for (let round = 0; round < rounds; round += 1) for (const item of items) assert(samples.time(() => work(item)) > 0, 'there is an answer')
  return samples
}

/** Of those near the average, spread over the whole set. */
const typicalUsers = ({ reference }: World): string[] => {
  const near = reference.users().filter((user) => Math.abs(reference.readable(user) - 600) <= 60)
  return new Random(5).shuffled(near).slice(0, USERS)
}

const typicalIssues = ({ reference }: World): string[] => {
  const issues = new Random(6).shuffled(reference.issues())
  const found: string[] = []
  for (let index = 0; found.length < ISSUES && index < issues.length; index += 1) {
    const issue = at(issues, index)
    if (Math.abs(reference.subjects('read', issue).length - 30) <= 5) found.push(issue)
  }
  return found
}
