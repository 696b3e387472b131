/** A policy whose checks remember something of their subjects, facts enough that plans are those of large tables, and a count of what is read. */
import type { Fact, Value } from '../../src/base/value.ts'
import { constantsOf } from '../../src/engine/question.ts'
import type { Database } from '../../src/store/database.ts'
import type { Store } from '../../src/store/facts.ts'
import { createStore } from '../../src/store/store.ts'
import { validPolicy } from './check.ts'
import { emptyDatabase } from './database.ts'

export const policy = validPolicy(`
actor User {}
resource Organization { roles = ["member", "admin"]; }
actor Team { roles = ["member"]; relations = { parent: Team }; }
has_role(user: User, "member", parent: Team) if
  child matches Team and has_relation(child, "parent", parent) and has_role(user, "member", child);
resource Repository {
  roles = ["reader", "writer"];
  permissions = ["read", "write", "fork"];
  relations = { organization: Organization, owner: User };
  "reader" if "writer";
  "writer" if "owner";
  "reader" if "admin" on "organization";
  "read" if "reader";
  "write" if "writer";
}
has_permission(user: User, "fork", repository: Repository) if
  has_permission(user, "read", repository) and not is_blocked(user, repository);
has_role(user: User, role: String, repository: Repository) if
  team matches Team and has_role(team, role, repository) and has_role(user, "member", team);
`)

export const value = (type: string, id: string): Value => ({ type, id })
export const fact = (predicate: string, ...args: readonly Value[]): Fact => ({ predicate, args })

export const request = { contextFacts: [], unixSeconds: 0, nowMs: null, timeoutMs: 60_000 }

export const [user, team, parent, repository, organization] = [
  value('User', 'u'),
  value('Team', 't'),
  value('Team', 'p'),
  value('Repository', 'r'),
  value('Organization', 'o'),
]
export const granted: readonly Fact[] = [
  fact('has_role', user, value('String', 'member'), team),
  fact('has_relation', team, value('String', 'parent'), parent),
  fact('has_role', parent, value('String', 'reader'), repository),
  fact('has_relation', repository, value('String', 'organization'), organization),
  fact('has_role', user, value('String', 'member'), organization),
]

const open = (database: Database = emptyDatabase()): Store => {
  const store = createStore(database)
  store.transaction(() => store.intern(constantsOf(policy)))
  return store
}

const PAD = 'pad'

/** Another one that has to do with nobody else. */
const stranger = (index: number): readonly Fact[] => {
  const pad = (type: string, number = index): Value => value(type, `${PAD}${number}`)
  const name = (id: string): Value => value('String', id)
  return [
    fact('has_role', pad('User'), name('member'), pad('Team')),
    fact('has_relation', pad('Team'), name('parent'), pad('Team', index + 1)),
    fact('has_role', pad('User'), name('admin'), pad('Organization')),
    fact('has_role', pad('User'), name('reader'), pad('Repository')),
    fact('has_role', pad('Team'), name('writer'), pad('Repository')),
    fact('has_relation', pad('Repository'), name('organization'), pad('Organization')),
    fact('has_relation', pad('Repository'), name('owner'), pad('User')),
    fact('is_blocked', pad('User'), pad('Repository')),
  ]
}

export const isOwn = ({ args }: Fact): boolean => !args.some(({ id }) => id.startsWith(PAD))

/** With strangers in numbers, so that plans are those of large tables, where one subject has few of many rows. */
export const opened = (database?: Database, strangers = 100): Store => {
  const store = open(database)
  store.transaction(() => {
    for (let index = 0; index < strangers; index += 1) for (const item of stranger(index)) store.insert(item)
  })
  return store
}

/** Counts how often lists are read: their statements are the ones that end with a limit. */
export const counting = (database: Database): { readonly database: Database; readonly reads: () => number } => {
  let reads = 0
  const prepare: Database['prepare'] = (sql) => {
    const statement = database.prepare(sql)
    if (!sql.endsWith('LIMIT 33')) return statement
    return {
      ...delegated(statement),
      each: (each, ...values) => {
        reads += 1
        statement.each(each, ...values)
      },
    }
  }
  const guarded: Database['guarded'] = (steps, stop, work, remembered) => database.guarded(steps, stop, work, remembered)
  const whole: Database = {
    exec: (sql) => database.exec(sql),
    prepare,
    guarded,
    inTransaction: () => database.inTransaction(),
    serialize: () => database.serialize(),
    deserialize: (image, slack) => database.deserialize(image, slack),
    receive: (rawBytes, slack) => database.receive(rawBytes, slack),
    memoryBytes: () => database.memoryBytes(),
    close: () => database.close(),
  }
  return { database: whole, reads: () => reads }
}

const delegated = (statement: ReturnType<Database['prepare']>): ReturnType<Database['prepare']> => ({
  bind: (index, item) => statement.bind(index, item),
  test: () => statement.test(),
  all: (...values) => statement.all(...values),
  get: (...values) => statement.get(...values),
  run: (...values) => statement.run(...values),
  each: (each, ...values) => statement.each(each, ...values),
  finalize: () => statement.finalize(),
})
