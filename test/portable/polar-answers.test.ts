/** Lines of the language's checklist that compare policies: two ways to write one thing have the same answers over random facts. */
import { describe, expect, test } from 'vitest'
import { compilePolicy } from '../../src/engine/compile.ts'
import type { Expression, Item } from '../../src/polar/ast.ts'
import { parsePolicy } from '../../src/polar/parse.ts'
import { printPolicy } from '../../src/polar/print.ts'
import { type Random, randomOf, times } from '../random/prng.ts'
import { runSeed } from '../random/random-case.ts'
import { randomFacts } from '../random/random-facts.ts'
import { allQuestions } from '../support/all-questions.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'
import { answer } from '../support/question.ts'
import { askedText } from '../support/question-text.ts'
import { worlds } from '../support/worlds.ts'

const SEEDS = 4
const FACTS = 40
const CAP = 24
const context = { contextFacts: [], unixSeconds: 2 }

/** Both answer every question over the same facts in the same way; facts come from the signatures of the first. */
const checkTwins = (one: string, other: string): void => {
  const policies = [validPolicy(one), validPolicy(other)] as const
  let positive = 0
  for (let seed = 1; seed <= SEEDS; seed++) {
    const facts = randomFacts(randomOf(seed), policies[0], FACTS)
    const asked = allQuestions({ policy: policies[0], facts, questions: [] }, context, CAP)
    const [expected, found] = policies.map((policy) => {
      const cell = openCell(emptyDatabase(), policy, facts)
      try {
        return asked.map((question) => `${askedText(question)} = ${sorted(answer(cell.engine, question).text)}`)
      } finally {
        cell.close()
      }
    })
    expect(found, `seed ${seed}`).toEqual(expected)
    positive += expected?.filter((line) => !/= (?:false|none|refused)/.test(line)).length ?? 0
  }
  expect(positive).toBeGreaterThan(0)
}

/** The order of matches is no part of an answer. */
const sorted = (text: string): string => text.split(', ').toSorted().join(', ')

const blocks = `actor User {} actor Bot {} actor Team {}
global { roles = ["root", "guest"]; permissions = ["enter"]; GLOBAL }
resource Folder { roles = ["viewer", "banned"]; permissions = ["read"]; relations = { parent: Folder, owner: User }; }
resource Doc {
  roles = ["viewer", "editor", "banned"];
  permissions = ["read", "write", "hide"];
  relations = { parent: Folder, owner: User, team: Actor };
  SHORTHAND
}
`
const shorthand = (text: string): string => blocks.replace('GLOBAL', '').replace('SHORTHAND', text)
const inGlobal = (text: string): string => blocks.replace('GLOBAL', text).replace('SHORTHAND', '')
const longhand = (...rules: readonly string[]): string => `${shorthand('')}\n${rules.join('\n')}`

describe('polar 22: a literal parameter equals a typed one and an equality', () => {
  test.each([
    ['allow(u: User, "read", Doc{"d1"}) if grant(u);', 'allow(u: User, a: String, d: Doc) if a = "read" and d = Doc{"d1"} and grant(u);'],
    [
      'level(3, u: User) if grant(u); level(1, _: User);',
      'level(n: Integer, u: User) if n = 3 and grant(u); level(n: Integer, _: User) if n = 1;',
    ],
    ['flag(true, x: Doc) if open(x);', 'flag(b: Boolean, x: Doc) if open(x) and b = true;'],
  ])('%s', (one, other) => checkTwins(longhand(one), longhand(other)))
})

describe('polar 24: a rule without body and the same with `if true`', () => {
  test.each([
    ['has_role(User{"u0"}, "viewer", Doc{"d0"});', 'has_role(User{"u0"}, "viewer", Doc{"d0"}) if true;'],
    ['has_permission(_: User, "read", _: Doc);', 'has_permission(_: User, "read", _: Doc) if true;'],
    ['pair(x: User, x: User);', 'pair(x: User, x: User) if true;'],
    ['always();', 'always() if true;'],
  ])('%s', (one, other) => {
    const use = 'has_permission(u: User, "hide", d: Doc) if always() and pair(u, u) and has_relation(d, "owner", u);'
    const both = one.startsWith('always') ? `${use} pair(_: User, _: User);` : ''
    checkTwins(longhand(one, both), longhand(other, both))
  })
})

describe('shorthand and the rules it stands for', () => {
  const head = 'has_permission(a: Actor, "read", r: Doc) if'
  const behind = 'o matches Folder and has_relation(r, "parent", o)'
  test.each([
    ['polar 39', '"read" if "viewer";', `${head} has_role(a, "viewer", r);`],
    ['polar 39', '"viewer" if "editor";', 'has_role(a: Actor, "viewer", r: Doc) if has_role(a, "editor", r);'],
    ['polar 39', '"read" if "write";', `${head} has_permission(a, "write", r);`],
    ['polar 39', '"viewer" if "write";', 'has_role(a: Actor, "viewer", r: Doc) if has_permission(a, "write", r);'],
    ['polar 40', '"viewer" if "owner";', 'has_role(a: Actor, "viewer", r: Doc) if has_relation(r, "owner", a);'],
    ['polar 41', '"read" if "viewer" on "parent";', `${head} ${behind} and has_role(a, "viewer", o);`],
    ['polar 41', '"read" if "read" on "parent";', `${head} ${behind} and has_permission(a, "read", o);`],
    ['polar 41', '"read" if "owner" on "parent";', `${head} ${behind} and has_relation(o, "owner", a);`],
    ['polar 42', 'role if role on "parent";', `has_role(a: Actor, n: String, r: Doc) if ${behind} and has_role(a, n, o);`],
    [
      'polar 43',
      'permission if permission on "parent";',
      `has_permission(a: Actor, n: String, r: Doc) if ${behind} and has_permission(a, n, o);`,
    ],
    ['polar 44', '"read" if role on "parent";', `${head} ${behind} and n matches String and has_role(a, n, o);`],
    ['polar 45', '"read" if "viewer" on resource;', `${head} has_role(a, "viewer", r);`],
    ['polar 45', '"read" if "owner" on resource;', `${head} has_relation(r, "owner", a);`],
    ['polar 46', '"read" if global "root";', 'has_permission(a: Actor, "read", _: Doc) if has_role(a, "root");'],
    ['polar 46', '"read" if global "enter";', 'has_permission(a: Actor, "read", _: Doc) if has_permission(a, "enter");'],
    ['polar 48', '"read" if f(actor, x) and g(x, resource);', `${head} f(a, x) and g(x, r);`],
    [
      'polar 49',
      '"read" if "viewer" and "editor" or "owner";',
      `${head} has_role(a, "viewer", r) and has_role(a, "editor", r) or has_relation(r, "owner", a);`,
    ],
    [
      'polar 49',
      '"read" if "viewer" and ("editor" or "owner");',
      `${head} has_role(a, "viewer", r) and (has_role(a, "editor", r) or has_relation(r, "owner", a));`,
    ],
    [
      'polar 50',
      '"read" if "viewer" and not "banned" on "parent";',
      `${head} has_role(a, "viewer", r) and not (${behind} and has_role(a, "banned", o));`,
    ],
  ])('%s: %s', (_line, short, long) => checkTwins(shorthand(short), longhand(long)))

  test('polar 47: global permissions reach allow/2 without a resource', () =>
    checkTwins(
      inGlobal('"enter" if "guest" or "root";'),
      longhand('has_permission(a: Actor, "enter") if has_role(a, "guest") or has_role(a, "root");'),
    ))

  test('polar 51: `"x" if "x";` grants nothing', () => checkTwins(shorthand('"read" if "read"; "viewer" if "viewer";'), longhand()))
})

test('polar 36: an actor block answers like a resource block', () => {
  const body =
    '{ roles = ["viewer"]; permissions = ["read", "write"]; relations = { owner: User, parent: Folder }; "read" if "viewer" or "owner"; "write" if "viewer" on "parent"; }'
  const rules =
    'has_permission(a: Actor, "read", r: Account) if has_role(a, "viewer", r) or has_relation(r, "owner", a); has_permission(a: Actor, "write", r: Account) if o matches Folder and has_relation(r, "parent", o) and has_role(a, "viewer", o);'
  const base = 'actor User {} resource Folder { roles = ["viewer"]; }'
  checkTwins(
    `${base} actor Account ${body}`,
    `${base} actor Account { roles = ["viewer"]; permissions = ["read", "write"]; relations = { owner: User, parent: Folder }; } ${rules}`,
  )
})

test('polar 53: the two policies of the worked example', () => {
  const names = (inBlocks: boolean): string => `actor User {} actor Bot {}
    global { roles = ["root"]; permissions = ["enter"]; ${inBlocks ? '"enter" if "root";' : ''} }
    resource Folder { roles = ["editor", "banned"]; permissions = ["write"]; ${inBlocks ? '"write" if "editor";' : ''} }
    resource Doc {
      roles = ["viewer"]; permissions = ["read", "write", "hide"]; relations = { parent: Folder, owner: User };
      ${inBlocks ? '"viewer" if "owner"; role if role on "parent"; "read" if "viewer" or global "root"; "write" if "write" on "parent" and not frozen(resource); "hide" if "viewer" and not "banned" on "parent";' : ''}
    }`
  const rules = `has_permission(a: Actor, "enter") if has_role(a, "root");
    has_permission(a: Actor, "write", r: Folder) if has_role(a, "editor", r);
    has_role(a: Actor, "viewer", r: Doc) if has_relation(r, "owner", a);
    has_role(a: Actor, role: String, r: Doc) if o matches Folder and has_relation(r, "parent", o) and has_role(a, role, o);
    has_permission(a: Actor, "read", r: Doc) if has_role(a, "viewer", r) or has_role(a, "root");
    has_permission(a: Actor, "write", r: Doc) if o matches Folder and has_relation(r, "parent", o) and has_permission(a, "write", o) and not frozen(r);
    has_permission(a: Actor, "hide", r: Doc) if has_role(a, "viewer", r) and not (o matches Folder and has_relation(r, "parent", o) and has_role(a, "banned", o));`
  checkTwins(names(true), `${names(false)} ${rules}`)
})

describe('polar 55: one rule named `allow` removes both implicit rules', () => {
  const allowed = (rule: string): string[] => {
    const policy = validPolicy(`${longhand('has_permission(_: User, "read", _: Doc); has_permission(_: User, "enter");')} ${rule}`)
    const cell = openCell(emptyDatabase(), policy, [])
    try {
      return ['read Doc', 'enter'].filter((question) => {
        const [action = '', type] = question.split(' ')
        const resource = type === undefined ? null : { type, id: 'd' }
        return (
          answer(cell.engine, { question: { kind: 'authorize', actor: { type: 'User', id: 'u' }, action, resource }, ...context }).data ===
          true
        )
      })
    } finally {
      cell.close()
    }
  }
  test.each([
    'allow(_: User) if true;',
    'allow(u: User, "other") if f(u);',
    'allow(u: User, "other", d: Doc) if f(u, d);',
    'allow(Bot{"b"}, "read", Doc{"d"});',
    'allow();',
  ])('%s', (rule) => expect(allowed(rule)).toEqual([]))
  test.each(['', 'declare allow(User, String, Doc);', 'allowed(_: User);', 'p(u: User) if allow(u, "read", Doc{"d"});'])(
    '%s leaves them',
    (rule) => expect(allowed(rule)).toEqual(['read Doc', 'enter']),
  )
})

describe('polar 20: the order of rules, conditions, blocks and files changes no answer', () => {
  const chosen = [
    'vault-and-box',
    'stratified-by-name',
    'mutual-recursion',
    'every-badge',
    'gallery',
    'in-lists',
    'recursive-wildcards',
    'untyped',
  ]
  test.each(worlds.filter(({ name }) => chosen.includes(name)))('$name', (world) => {
    for (let seed = 1; seed <= 6; seed++) {
      const random = randomOf(seed)
      const files = shuffledFiles(world.policy, random)
      const { value, diagnostics } = compilePolicy(files)
      if (value === null) throw new Error(diagnostics.map(({ message }) => message).join('\n'))
      const cell = openCell(emptyDatabase(), value, shuffled(world.facts, random))
      try {
        const questions = world.expectations.filter((expectation) => expectation.kind === 'question')
        expect(
          questions.map(({ asked }) => answer(cell.engine, asked).text),
          `seed ${seed}`,
        ).toEqual(questions.map(({ expected }) => expected))
      } finally {
        cell.close()
      }
    }
  })
  test('the worlds are there', () => expect(worlds.filter(({ name }) => chosen.includes(name))).toHaveLength(chosen.length))
})

const shuffled = <T>(items: readonly T[], random: Random): T[] => {
  const rest = [...items]
  return items.flatMap(() => rest.splice(random.below(rest.length), 1))
}

/** The items of a policy in another order, their lines and conditions too, spread over three files. */
const shuffledFiles = (policy: string, random: Random): { name: string; text: string }[] => {
  const { value } = parsePolicy([{ name: 'p', text: policy }])
  const items = shuffled(value?.items ?? [], random).map((item) => shuffledItem(item, random))
  const spread = items.map((item) => ({ item, file: random.below(3) }))
  return times(3, (index) => ({
    name: `${index}.polar`,
    text: printPolicy({ items: spread.filter(({ file }) => file === index).map(({ item }) => item) }),
  }))
}

const shuffledItem = (item: Item, random: Random): Item => {
  if (item.kind === 'block') return { ...item, items: shuffled(item.items, random) }
  if (item.kind === 'rule' && item.body !== null) return { ...item, body: shuffledBody(item.body, random) }
  return item
}

const shuffledBody = (body: Expression, random: Random): Expression => {
  if (body.kind === 'and' || body.kind === 'or')
    return { ...body, items: shuffled(body.items, random).map((part) => shuffledBody(part, random)) }
  return body
}

/** Other seeds than those of test/random. */
const FIRST_SEED = 100_001
test.each(times(6, (batch) => FIRST_SEED + batch * 10))(
  'polar 88: authorize follows list for random policies and facts, seeds from %i',
  (first) => {
    const results = times(10, (index) => runSeed(first + index, { emptyDatabase, proves: false }))
    expect(results.flatMap(({ failures }) => failures).join('\n')).toBe('')
    expect(results.filter(({ tally }) => tally !== null).length).toBeGreaterThan(3)
  },
)
