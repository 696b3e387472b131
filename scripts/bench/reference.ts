/** Decisions of the GitHub-like policy over its facts, by maps and sets: what the engine must agree with before it is timed. */
import { assert, at, known } from '../../src/base/assert.ts'
import type { Fact } from '../../src/base/value.ts'
import type { Answers } from './data-set.ts'
import { entry } from './entry.ts'

export const actions = ['read', 'comment', 'close'] as const

const RANKS: Readonly<Record<string, number>> = { reader: 1, triager: 2, writer: 3, maintainer: 4, admin: 5 }
const NEEDED: Readonly<Record<string, number>> = { read: 1, comment: 2, close: 4 }

interface Repository {
  organization: string
  readonly issues: string[]
  /** Rank that facts give directly. */
  readonly users: Map<string, number>
  readonly teams: Map<string, number>
}

interface Issue {
  repository: string
  creator: string
}

/** Everything is known by its id; ids of different types never meet here. */
export class Reference implements Answers {
  readonly resourceType = 'Issue'
  readonly actions = actions
  readonly #organizationRoles = new Map<string, Map<string, Set<string>>>()
  readonly #members = new Map<string, Set<string>>()
  readonly #children = new Map<string, string[]>()
  readonly #repositories = new Map<string, Repository>()
  readonly #issues = new Map<string, Issue>()
  readonly #created = new Map<string, string[]>()
  /** Per repository, every user with a rank: derived once all facts are in. */
  readonly #ranks = new Map<string, ReadonlyMap<string, number>>()
  readonly #reached = new Map<string, [repository: string, rank: number][]>()
  readonly #organizationIssues = new Map<string, string[]>()

  constructor(facts: Iterable<Fact>) {
    for (const fact of facts) this.#add(fact)
    for (const [id, repository] of this.#repositories) {
      const ranks = this.#rank(repository)
      this.#ranks.set(id, ranks)
      entry(this.#organizationIssues, repository.organization, () => [] as string[]).push(...repository.issues)
      for (const [user, rank] of ranks) entry(this.#reached, user, () => []).push([id, rank])
    }
  }

  allowed(user: string, action: string, id: string): boolean {
    const issue = this.#issues.get(id)
    if (issue === undefined) return false
    if (action === 'close' && issue.creator === user) return true
    return (this.#ranks.get(issue.repository)?.get(user) ?? 0) >= neededFor(action)
  }

  /** Issues, in no order. */
  list(user: string, action: string): string[] {
    const found = new Set(action === 'close' ? this.#created.get(user) : [])
    for (const [repository, rank] of this.#reached.get(user) ?? []) {
      if (rank < neededFor(action)) continue
      for (const issue of this.#repository(repository).issues) found.add(issue)
    }
    return [...found]
  }

  /** Number of issues of `list(user, 'read')`. */
  readable(user: string): number {
    return (this.#reached.get(user) ?? []).reduce((sum, [repository]) => sum + this.#repository(repository).issues.length, 0)
  }

  /** Users, in no order. */
  subjects(action: string, id: string): string[] {
    const issue = known(this.#issues.get(id), 'the issue exists')
    const found = new Set(action === 'close' ? [issue.creator] : [])
    for (const [user, rank] of this.#ranks.get(issue.repository) ?? []) if (rank >= neededFor(action)) found.add(user)
    return [...found]
  }

  /** Every user with a role on an organisation. */
  users(): string[] {
    return [...new Set([...this.#organizationRoles.values()].flatMap((roles) => [...roles.keys()]))]
  }

  resources(): string[] {
    return [...this.#issues.keys()]
  }

  parentOf(issue: string): string {
    return known(this.#issues.get(issue), 'the issue exists').repository
  }

  /** Issues of the organisation that an issue is in. */
  neighbours(issue: string): readonly string[] {
    const { organization } = this.#repository(this.parentOf(issue))
    return this.#organizationIssues.get(organization) ?? []
  }

  #rank({ organization, users, teams }: Repository): Map<string, number> {
    const ranks = new Map<string, number>()
    const raise = (user: string, rank: number): void => void ranks.set(user, Math.max(rank, ranks.get(user) ?? 0))
    for (const [user, rank] of users) raise(user, rank)
    for (const [team, rank] of teams) for (const user of this.#everyone(team)) raise(user, rank)
    for (const [user, roles] of this.#organizationRoles.get(organization) ?? []) {
      if (roles.has('admin')) raise(user, rankOf('admin'))
      if (roles.has('auditor')) raise(user, rankOf('reader'))
    }
    return ranks
  }

  /** Members of a team and of every team below it. */
  #everyone(team: string): Set<string> {
    const found = new Set<string>()
    const seen = new Set([team])
    for (const each of seen) {
      for (const user of this.#members.get(each) ?? []) found.add(user)
      for (const child of this.#children.get(each) ?? []) seen.add(child)
    }
    return found
  }

  #add({ predicate, args }: Fact): void {
    const [subject, name, object] = [at(args, 0), at(args, 1).id, at(args, 2)]
    switch (`${predicate} ${subject.type} ${object.type}`) {
      case 'has_role User Organization':
        entry(
          entry(this.#organizationRoles, object.id, () => new Map<string, Set<string>>()),
          subject.id,
          () => new Set<string>(),
        ).add(name)
        return
      case 'has_role User Team':
        entry(this.#members, object.id, () => new Set<string>()).add(subject.id)
        return
      case 'has_role User Repository':
        return give(this.#repository(object.id).users, subject.id, rankOf(name))
      case 'has_role Team Repository':
        return give(this.#repository(object.id).teams, subject.id, rankOf(name))
      case 'has_relation Team Team':
        entry(this.#children, object.id, () => [] as string[]).push(subject.id)
        return
      case 'has_relation Repository Organization':
        this.#repository(subject.id).organization = object.id
        return
      case 'has_relation Repository User':
        return give(this.#repository(subject.id).users, object.id, rankOf('admin'))
      case 'has_relation Issue Repository':
        this.#issue(subject.id).repository = object.id
        this.#repository(object.id).issues.push(subject.id)
        return
      case 'has_relation Issue User':
        this.#issue(subject.id).creator = object.id
        entry(this.#created, object.id, () => [] as string[]).push(subject.id)
        return
      default:
        assert(subject.type === 'Team' && object.type === 'Organization', 'the reference knows every kind of fact')
    }
  }

  #repository(id: string): Repository {
    return entry(this.#repositories, id, () => ({ organization: '', issues: [], users: new Map(), teams: new Map() }))
  }

  #issue(id: string): Issue {
    return entry(this.#issues, id, () => ({ repository: '', creator: '' }))
  }
}

const neededFor = (action: string): number => known(NEEDED[action], `\`${action}\` is a permission on issues`)

const rankOf = (role: string): number => known(RANKS[role], `\`${role}\` is a role on repositories`)

const give = (ranks: Map<string, number>, holder: string, rank: number): void =>
  void ranks.set(holder, Math.max(rank, ranks.get(holder) ?? 0))
