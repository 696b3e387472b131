/** The GitHub-like data set: organisations with members, nested teams, repositories and issues, each made from its own seed. */
import { readFileSync } from 'node:fs'
import { at } from '../../src/base/assert.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import type { DataSet } from './data-set.ts'
import { Random, scramble } from './random.ts'
import { Reference } from './reference.ts'

export interface GithubShape {
  readonly organizations: number
  readonly members: number
  readonly teams: number
  readonly repositories: number
  /** Per repository. */
  readonly issues: number
  /** Organisations that the auditor has a role on, at most. */
  readonly audited: number
  /** The same of the inspector. */
  readonly inspected: number
}

/** About 5,260 facts per organisation. */
const organization = { members: 100, teams: 20, repositories: 200, issues: 10, audited: 50, inspected: 5 } as const

/** About 10,500 and 1,000,000 facts. */
export const githubShapes = {
  '10k': { ...organization, organizations: 2 },
  '1m': { ...organization, organizations: 190 },
} as const satisfies Readonly<Record<string, GithubShape>>

export const githubPolicy = readFileSync(new URL('github.polar', import.meta.url), 'utf8')

export const githubSet = (shape: GithubShape): DataSet => ({
  policy: githubPolicy,
  filename: 'github.polar',
  facts: () => githubFacts(shape),
  answers: () => new Reference(githubFacts(shape)),
  parent: { relation: 'repository', type: 'Repository' },
  lists: { action: 'read', auditor, inspector, open: null, crowded: null },
})

/** Every fact of the set, organisation by organisation. */
export function* githubFacts(shape: GithubShape): Generator<Fact> {
  for (let index = 0; index < shape.organizations; index += 1) {
    yield* organizationFacts(shape, index)
    if (index < shape.audited) yield fact('has_role', auditor, string('auditor'), organizationOf(index))
    if (index < shape.inspected) yield fact('has_role', inspector, string('auditor'), organizationOf(index))
  }
}

export const auditor: Value = { type: 'User', id: 'usr_auditor' }
const inspector: Value = { type: 'User', id: 'usr_inspector' }

/** Roles on a repository, each implying those before it, with how often one is given, in percent. */
const ROLES = [
  ['reader', 40],
  ['triager', 20],
  ['writer', 25],
  ['maintainer', 10],
  ['admin', 5],
] as const

/** Teams of the top of the tree, which have many members, and how often a repository is given to one of them: so that an issue has about 30 readers. */
const TOP_TEAMS = 4
const TOP_SHARE = 0.42
/** Repositories with two teams. */
const SECOND_TEAM_SHARE = 0.1
const USER_ROLES = 2
const CHILDREN = 3

function* organizationFacts(shape: GithubShape, index: number): Generator<Fact> {
  const random = new Random(index)
  const org = organizationOf(index)
  const users = numbered('User', 'usr', index, shape.members)
  const teams = numbered('Team', 'team', index, shape.teams)
  for (const [number, user] of users.entries()) {
    yield fact('has_role', user, string(number === 0 ? 'admin' : 'member'), org)
    yield fact('has_role', user, string('member'), at(teams, number % teams.length))
  }
  for (const [number, team] of teams.entries()) {
    yield fact('has_relation', team, string('organization'), org)
    if (number > 0) yield fact('has_relation', team, string('parent'), at(teams, Math.floor((number - 1) / CHILDREN)))
  }
  const issues = numbered('Issue', 'iss', index, shape.repositories * shape.issues)
  for (const [number, repository] of numbered('Repository', 'repo', index, shape.repositories).entries()) {
    yield* repositoryFacts(random, { org, users, teams, repository })
    for (const issue of issues.slice(number * shape.issues, (number + 1) * shape.issues)) {
      yield fact('has_relation', issue, string('repository'), repository)
      yield fact('has_relation', issue, string('creator'), random.pick(users))
    }
  }
}

interface Surroundings {
  readonly org: Value
  readonly users: readonly Value[]
  readonly teams: readonly Value[]
  readonly repository: Value
}

function* repositoryFacts(random: Random, { org, users, teams, repository }: Surroundings): Generator<Fact> {
  yield fact('has_relation', repository, string('organization'), org)
  yield fact('has_relation', repository, string('owner'), random.pick(users))
  for (let count = 0; count < USER_ROLES; count += 1) yield fact('has_role', random.pick(users), role(random), repository)
  yield fact('has_role', team(random, teams), role(random), repository)
  if (random.chance(SECOND_TEAM_SHARE)) yield fact('has_role', team(random, teams), role(random), repository)
}

const team = (random: Random, teams: readonly Value[]): Value =>
  random.pick(random.chance(TOP_SHARE) ? teams.slice(0, TOP_TEAMS) : teams.slice(TOP_TEAMS))

const role = (random: Random): Value => {
  let rest = random.below(100)
  for (const [name, share] of ROLES) {
    if (rest < share) return string(name)
    rest -= share
  }
  return string('reader')
}

/** Ids say nothing of where their owner belongs, like those of a real system: neighbours in order are strangers. */
const idOf = (prefix: string, number: number): string => `${prefix}_${scramble(number).toString(16).padStart(8, '0')}`

const organizationOf = (index: number): Value => ({ type: 'Organization', id: idOf('org', index) })

const numbered = (type: string, prefix: string, index: number, count: number): Value[] =>
  Array.from({ length: count }, (_, number) => ({ type, id: idOf(prefix, index * count + number) }))

const string = (id: string): Value => ({ type: 'String', id })

const fact = (predicate: string, ...args: readonly Value[]): Fact => ({ predicate, args })
