/** What is deep and what is large in a policy: a chain of groups, and 300 rules. Neither depends on how many facts there are. */

import { assert, at, known } from '../../src/base/assert.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import { compilePolicy } from '../../src/engine/compile.ts'
import { createEngine } from '../../src/engine/create.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Store } from '../../src/store/facts.ts'
import { atMost, type Figure } from './figure.ts'
import { Random } from './random.ts'
import { microseconds, Samples } from './timing.ts'
import { plainRequest } from './world.ts'

const CHAINS = 200
const DEPTHS = [5, 50] as const
const ROUNDS = 10
const POLICIES = 7

/** `createStore`: an empty one. */
export const depthFigures = (createStore: () => Store): Figure[] => [...chainFigures(createStore()), ...compileFigures(createStore)]

export const chainPolicy = `actor User {}
actor Group { roles = ["member"]; relations = { parent: Group }; }
resource Document { roles = ["reader"]; permissions = ["read"]; "read" if "reader"; }
has_role(user: User, "member", parent: Group) if
  child matches Group and has_relation(child, "parent", parent) and has_role(user, "member", child);
has_role(user: User, role: String, document: Document) if
  group matches Group and has_role(group, role, document) and has_role(user, "member", group);`

export interface Chain {
  readonly user: Value
  readonly colleague: Value
  readonly document: Value
  readonly facts: readonly Fact[]
}

/** Two users in the lowest of `depth` groups, one inside the other, and a document for the members of the highest. */
export const chain = (depth: number, number: number): Chain => {
  const name = `${depth}_${number}`
  const user = { type: 'User', id: `usr_${name}` }
  const colleague = { type: 'User', id: `col_${name}` }
  const document = { type: 'Document', id: `doc_${name}` }
  const groups = Array.from({ length: depth }, (_, level) => ({ type: 'Group', id: `grp_${name}_${level}` }))
  const facts = [
    fact('has_role', user, 'member', at(groups, 0)),
    fact('has_role', colleague, 'member', at(groups, 0)),
    ...groups.slice(1).map((parent, level) => fact('has_relation', at(groups, level), 'parent', parent)),
    fact('has_role', at(groups, depth - 1), 'reader', document),
  ]
  return { user, colleague, document, facts }
}

const chainFigures = (store: Store): Figure[] => {
  const chains = DEPTHS.map((depth) => Array.from({ length: CHAINS }, (_, number) => chain(depth, number)))
  const policy = checked(chainPolicy)
  fill(
    store,
    chains.flat().flatMap(({ facts }) => facts),
  )
  const count = store.database.prepare(READS_NOTHING)
  const [first, colleague, again, plain, nothing] = Array.from({ length: 5 }, () => DEPTHS.map(() => new Samples()))
  for (let round = 0; round <= ROUNDS; round += 1) {
    // Engines of their own, for what nobody asked before can be asked once.
    const [engine, plainEngine] = (['worthwhile', 'none'] as const).map((memory) => createEngine({ store, policy, memory }))
    for (const one of [engine, plainEngine])
      assert(!reads(one, outsider, at(at(chains, 0), 0).document), 'who is in no group does not read')
    for (const [index, list] of chains.entries()) {
      const time = (samples: readonly Samples[] | undefined, work: () => boolean): void =>
        // The first round warms up.
        assert(round === 0 ? work() : at(known(samples, 'samples'), index).time(work), 'whoever is below reads')
      const shuffled = new Random(round).shuffled(list)
      for (const { user, document } of shuffled) time(first, () => reads(engine, user, document))
      for (const one of shuffled) time(colleague, () => reads(engine, one.colleague, one.document))
      for (const { user, document } of shuffled) time(again, () => reads(engine, user, document))
      for (const { user, document } of shuffled) time(plain, () => reads(plainEngine, user, document))
      for (const _ of shuffled) time(nothing, () => count.get(at(DEPTHS, index)) !== undefined)
      assert(!reads(engine, at(list, 0).user, at(list, 1).document), 'whoever is in another chain does not')
    }
    engine?.close()
    plainEngine?.close()
  }
  const name = 'authorize through a chain of 50 groups p50 ÷ of 5'
  // Where the recursion itself runs it takes what SQLite takes for a step, on top of what every check takes: told beside it.
  return [
    { ...growth(name, again), bar: atMost(4, 'ratio') },
    { ...growth(`${name}, first question of a user, asked before of another in his group`, colleague), bar: atMost(4, 'ratio') },
    growth(`${name}, first question of the groups`, first),
    growth(`${name}, nothing remembered of subjects`, plain),
    growth('recursion of SQLite that reads no table, 50 steps p50 ÷ 5', nothing),
  ]
}

const outsider: Value = { type: 'User', id: 'outsider' }

/** Counts up to its parameter. */
const READS_NOTHING = 'WITH RECURSIVE d(i) AS (SELECT 1 UNION SELECT i + 1 FROM d WHERE i < ?1) SELECT count(*) FROM d'

const growth = (name: string, samples: readonly Samples[] | undefined): Figure => {
  const [short, long] = known(samples, 'samples').map(({ p50 }) => p50)
  return { name, size: '', value: microseconds(known(long, 'long')), unit: 'µs', ratio: known(long, 'long') / known(short, 'short') }
}

const reads = (engine: Engine | undefined, user: Value, document: Value): boolean =>
  known(engine, 'engine').authorize(user, 'read', document, plainRequest)

/** 30 types in a tree of three below each, and ten rules of each: 300. */
export const manyRules = (seed: number): { readonly text: string; readonly facts: readonly Fact[]; readonly leaf: string } => {
  const type = (index: number): string => `Type${seed}_${index}`
  const roots = [0]
  const blocks = Array.from({ length: 30 }, (_, index) => {
    const parent = roots.includes(index) ? index : Math.floor((index - 1) / 3)
    return `resource ${type(index)} {
  roles = ["reader", "writer", "admin"];
  permissions = ["read", "write", "share", "remove"];
  relations = { parent: ${type(parent)}, owner: User };
  "reader" if "writer";
  "writer" if "admin";
  "admin" if "owner";
  role if role on "parent";
  "read" if "reader";
  "write" if "writer";
  "share" if "admin";
  "remove" if "admin";
}
has_role(user: User, role: String, resource: ${type(index)}) if
  group matches Group and has_role(group, role, resource) and has_role(user, "member", group);
has_permission(user: User, "read", resource: ${type(index)}) if is_open(resource) and is_employee(user);`
  })
  const text = ['actor User {}', 'actor Group { roles = ["member"]; }', ...blocks].join('\n')
  const path = [29, 9, 2, 0].map((index) => ({ type: type(index), id: `r${index}` }))
  const facts = [
    ...path.slice(1).map((parent, index) => fact('has_relation', at(path, index), 'parent', parent)),
    fact('has_role', { type: 'Group', id: 'g' }, 'admin', at(path, 3)),
    fact('has_role', { type: 'User', id: 'u' }, 'member', { type: 'Group', id: 'g' }),
  ]
  return { text, facts, leaf: type(29) }
}

/** Each policy has names of its own, so that nothing is left from the one before. */
const compileFigures = (createStore: () => Store): Figure[] => {
  const samples = new Samples()
  let first = 0
  for (let seed = 0; seed < POLICIES; seed += 1) {
    const { text, facts, leaf } = manyRules(seed)
    const store = createStore()
    fill(store, facts)
    const [user, stranger] = ['u', 'nobody'].map((id) => ({ type: 'User', id }))
    const resource = { type: leaf, id: 'r29' }
    const ask = (engine: Engine, who: Value | undefined): boolean =>
      engine.authorize(known(who, 'one of two'), 'remove', resource, plainRequest)
    const startMs = performance.now()
    const engine = samples.time(() => {
      const made = createEngine({ store, policy: checked(text) })
      assert(ask(made, user), 'a member of a group that administers the root removes what is below')
      return made
    })
    if (seed === 0) first = performance.now() - startMs
    assert(!ask(engine, stranger), 'nobody else does')
    store.database.close()
  }
  return [
    { name: 'policy of 300 rules: compile and first answer p50', size: '', value: samples.p50, unit: 'ms', bar: atMost(200) },
    { name: 'policy of 300 rules: compile and first answer, the first one', size: '', value: first, unit: 'ms', bar: atMost(200) },
  ]
}

const checked = (text: string): CheckedPolicy => {
  const { value, diagnostics } = compilePolicy([{ name: 'policy.polar', text }])
  return known(value, `the policy compiles: ${diagnostics.map(({ message }) => message).join(', ')}`)
}

const fill = (store: Store, facts: readonly Fact[]): void =>
  store.transaction(() => {
    store.intern(['member', 'reader', 'writer', 'admin', 'owner', 'parent'].map((id) => ({ type: 'String', id })))
    for (const each of facts) store.insert(each)
  })

const fact = (predicate: string, subject: Value, name: string, object: Value): Fact => ({
  predicate,
  args: [subject, { type: 'String', id: name }, object],
})
