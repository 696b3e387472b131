/** Lists, pages and subjects in process. */
import { assert, at } from '../../src/base/assert.ts'
import { agreeOnList, agreeOnPages, agreeOnSubjects } from './agree.ts'
import { askList, askPage, askSubjects } from './ask.ts'
import { atMost, type Bar, type Figure } from './figure.ts'
import { Random } from './random.ts'
import { Samples } from './timing.ts'
import type { World } from './world.ts'

const ROUNDS = 10
const USERS = 20
const RESOURCES = 200
const PAGE = 100
/** Resources that a typical user lists, and users that a typical resource has; what is near them is typical too. */
const TYPICAL_LIST = { count: 600, within: 60 } as const
const TYPICAL_SUBJECTS = { count: 30, within: 5 } as const

export const listFigures = (world: World): Figure[] => [...userFigures(world), ...subjectFigures(world), ...auditorFigures(world)]

const userFigures = (world: World): Figure[] => {
  const { engine, reference, size, data } = world
  const { action, open } = data.lists
  const { resourceType } = reference
  const asked = { action, resourceType }
  const users = typicalUsers(world)
  for (const user of users) agreeOnList(world, user, action)
  const lists = timed(users, ROUNDS, (user) => askList(engine, user, asked).length)
  const sparsePages = timed(users, 1, (user) => askPage(engine, user, { ...asked, size: PAGE, after: null }).ids.length)
  const figures: Figure[] = [
    { name: 'list of about 600 p50', size, value: lists.p50, unit: 'ms', ...barAt(size, 4) },
    { name: 'list of about 600 p99', size, value: lists.p99, unit: 'ms' },
    { name: 'first 100 of about 600 p50', size, value: sparsePages.p50, unit: 'ms' },
  ]
  if (open === null) return figures
  const openly = { action: open, resourceType }
  const some = users.slice(0, 5)
  for (const user of some) agreeOnList(world, user, open)
  const counts = some.map((user) => reference.list(user, open).length)
  const opened = timed(some, ROUNDS, (user) => askList(engine, user, openly).length)
  return [
    ...figures,
    { name: `list of about ${at(counts, 0)}, most open to all, p50`, size, value: opened.p50, unit: 'ms', ...barAt(size, 60) },
  ]
}

const subjectFigures = (world: World): Figure[] => {
  const { engine, reference, size, data } = world
  const { action, crowded } = data.lists
  const type = reference.resourceType
  const resources = typicalResources(world)
  for (const id of resources) agreeOnSubjects(world, id, action)
  const subjects = timed(resources, ROUNDS, (id) => askSubjects(engine, { type, id }, action).length)
  const figures: Figure[] = [
    { name: 'subjects (about 30) p50', size, value: subjects.p50, unit: 'ms', ...barAt(size, 1.5) },
    { name: 'subjects (about 30) p99', size, value: subjects.p99, unit: 'ms' },
  ]
  if (crowded === null) return figures
  agreeOnSubjects(world, crowded, action)
  const count = reference.subjects(action, crowded).length
  const all = timed([crowded], ROUNDS, (id) => askSubjects(engine, { type, id }, action).length)
  return [...figures, { name: `subjects: all ${count} of a tenant p50`, size, value: all.p50, unit: 'ms', ...barAt(size, 100) }]
}

const auditorFigures = (world: World): Figure[] => {
  const { engine, reference, size, data } = world
  const { action, auditor, inspector } = data.lists
  const asked = { action, resourceType: reference.resourceType }
  agreeOnList(world, auditor.id, action)
  agreeOnList(world, inspector.id, action)
  agreeOnPages(world, 10_000)
  const readable = reference.list(auditor.id, action)
  const inspected = reference.list(inspector.id, action).length
  const page = (after: string | null): number => askPage(engine, auditor.id, { ...asked, size: PAGE, after }).ids.length
  const firstPages = timed([null], 5 * ROUNDS, page)
  const laterPages = timed(new Random(4).shuffled(readable).slice(0, 5 * ROUNDS), 1, page)
  const tenth = timed([inspector.id], ROUNDS, (id) => askList(engine, id, asked).length)
  const whole = timed([auditor.id], 5, (id) => askList(engine, id, asked).length)
  return [
    { name: `list of ${inspected} p50`, size, value: tenth.p50, unit: 'ms', ...barAt(size, 60) },
    { name: `first 100 of ${readable.length} p50`, size, value: firstPages.p50, unit: 'ms', ...barAt(size, 10) },
    { name: `a later 100 of ${readable.length} p50`, size, value: laterPages.p50, unit: 'ms' },
    { name: `all ${readable.length} p50`, size, value: whole.p50, unit: 'ms' },
  ]
}

/** The bars hold at the size they were set for. */
const barAt = (size: string, limit: number): { readonly bar?: Bar } => (size === '1m' ? { bar: atMost(limit) } : {})

/** Times `work` on every item, `rounds` times over; an answer is never empty, but for the last page. */
const timed = <T>(items: readonly T[], rounds: number, work: (item: T) => number): Samples => {
  const samples = new Samples()
  for (let round = 0; round < rounds; round += 1) for (const item of items) assert(samples.time(() => work(item)) > 0, 'there is an answer')
  return samples
}

/** Spread over the whole set; where few are typical, those that are nearest. */
const typicalUsers = ({ reference, data: { lists } }: World): string[] => {
  const users = new Random(5).shuffled(reference.users())
  const counted = users.map((user) => ({ user, distance: Math.abs(reference.list(user, lists.action).length - TYPICAL_LIST.count) }))
  const typical = counted.filter(({ distance }) => distance <= TYPICAL_LIST.within)
  const chosen = typical.length < USERS ? counted.toSorted((a, b) => a.distance - b.distance) : typical
  return chosen.slice(0, USERS).map(({ user }) => user)
}

const typicalResources = ({ reference, data: { lists } }: World): string[] => {
  const resources = new Random(6).shuffled(reference.resources())
  const found: string[] = []
  for (let index = 0; found.length < RESOURCES && index < resources.length; index += 1) {
    const id = at(resources, index)
    if (Math.abs(reference.subjects(lists.action, id).length - TYPICAL_SUBJECTS.count) <= TYPICAL_SUBJECTS.within) found.push(id)
  }
  assert(found.length > 0, 'a resource is typical')
  return found
}
