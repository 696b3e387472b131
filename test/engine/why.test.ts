/** Explanations in particular: what they say, and that they end, however large data and policy are. */
import { describe, expect, test } from 'vitest'
import { whyLines } from '../../runtime/cli/why.ts'
import type { Fact, Value } from '../../src/base/value.ts'
import { explain } from '../../src/engine/explain.ts'
import { atomText } from '../../src/engine/explain-text.ts'
import type { Attempt, Explanation } from '../../src/engine/explanation.ts'
import { openCell } from '../support/cell.ts'
import { validPolicy } from '../support/check.ts'
import { emptyDatabase } from '../support/database.ts'

/** `User:ana`; a bare word is a String, digits are an Integer. */
const value = (text: string): Value => {
  const [type = '', id] = text.split(':')
  return id === undefined ? { type: /^\d+$/.test(type) ? 'Integer' : 'String', id: type } : { type, id }
}

const factOf = (text: string): Fact => {
  const [predicate = '', ...args] = text.split(' ')
  return { predicate, args: args.map(value) }
}

interface Asked {
  readonly policy: string
  readonly facts: readonly string[]
  readonly context?: readonly string[]
  /** `User:ana read Repo:r1`. */
  readonly question: string
}

const why = ({ policy: text, facts, context = [], question }: Asked): Explanation => {
  const policy = validPolicy(text)
  const cell = openCell(emptyDatabase(), policy, facts.map(factOf))
  try {
    const [actor = '', action = '', resource] = question.split(' ')
    const request = { contextFacts: context.map(factOf), unixSeconds: 1000, nowMs: null, timeoutMs: 10_000 }
    return explain({ ...cell, policy }, { actor: value(actor), action, resource: resource === undefined ? null : value(resource) }, request)
  } finally {
    cell.close()
  }
}

const linesOf = (asked: Asked): string => whyLines(why(asked)).join('\n')
const missingOf = (asked: Asked): string[] | null => why(asked).missing?.map(atomText) ?? null

const documents = `actor User {}
resource Folder {
  roles = ["reader"];
  relations = { parent: Folder };
  "reader" if "reader" on "parent";
}
resource Document {
  permissions = ["read", "sign"];
  relations = { folder: Folder };
  "read" if "reader" on "folder" and not sealed(resource);
}
has_permission(user: User, "sign", document: Document) if
  clearance(user, level) and
  level >= 3 and
  expires(document, at) and
  at > @current_unix_time;
`
const inFolder = ['has_relation Document:plan folder Folder:a', 'has_relation Folder:a parent Folder:b']

describe('an allow', () => {
  test('is proved down to facts, by the lines of the policy', () => {
    const asked = { policy: documents, facts: [...inFolder, 'has_role User:ana reader Folder:b'], question: 'User:ana read Document:plan' }
    expect(linesOf(asked)).toBe(`allow(User:ana, "read", Document:plan)
  by default: allow(actor, action, resource) if has_permission(actor, action, resource)
  has_permission(User:ana, "read", Document:plan)
    by policy.polar:10:3: "read" if "reader" on "folder" and not sealed(resource);
    has_relation(Document:plan, "folder", Folder:a)  fact
    has_role(User:ana, "reader", Folder:a)
      by policy.polar:5:3: "reader" if "reader" on "parent";
      has_relation(Folder:a, "parent", Folder:b)  fact
      has_role(User:ana, "reader", Folder:b)  fact
    not sealed(Document:plan)
      no fact: sealed(Document:plan)`)
  })

  test('names comparisons with their values, and context facts as such', () => {
    const asked = {
      policy: documents,
      facts: ['clearance User:ana 5'],
      context: ['expires Document:plan 2000'],
      question: 'User:ana sign Document:plan',
    }
    expect(linesOf(asked)).toBe(`allow(User:ana, "sign", Document:plan)
  by default: allow(actor, action, resource) if has_permission(actor, action, resource)
  has_permission(User:ana, "sign", Document:plan)
    by policy.polar:12:1: has_permission(user: User, "sign", document: Document) if
    clearance(User:ana, 5)  fact
    5 >= 3
    expires(Document:plan, 2000)  context fact
    2000 > 1000`)
  })

  test('is finite over data that goes in circles', () => {
    const circle = [...inFolder, 'has_relation Folder:b parent Folder:a', 'has_role User:ana reader Folder:b']
    const { truncated, facts } = why({ policy: documents, facts: circle, question: 'User:ana read Document:plan' })
    expect({ truncated, facts: facts.length }).toEqual({ truncated: false, facts: 3 })
  })

  test('is cut where it is long, and lists every fact all the same', () => {
    const chain = Array.from({ length: 200 }, (_, index) => `has_relation Folder:f${index} parent Folder:f${index + 1}`)
    const facts = ['has_relation Document:plan folder Folder:f0', ...chain, 'has_role User:ana reader Folder:f200']
    const found = why({ policy: documents, facts, question: 'User:ana read Document:plan' })
    expect([found.truncated, found.facts.length, JSON.stringify(found.proof).includes('"truncated"')]).toEqual([true, 202, true])
    expect(whyLines(found).at(-1)).toBe('there is more to it than is shown')
  })

  test('tells what keeps a negation inside a negation', () => {
    const policy = `actor User {} resource Box { permissions = ["open"]; }
has_permission(u: User, "open", b: Box) if not (needs_badge(b, badge) and not holds_badge(u, badge));`
    const facts = ['needs_badge Box:b gold', 'needs_badge Box:b red', 'holds_badge User:ana gold', 'holds_badge User:ana red']
    const found = why({ policy, facts, question: 'User:ana open Box:b' })
    expect(found.facts.map(atomText).toSorted()).toEqual(['holds_badge(User:ana, "gold")', 'holds_badge(User:ana, "red")'])
    expect(linesOf({ policy, facts: facts.slice(0, 3), question: 'User:ana open Box:b' })).toContain('does not hold, because of')
  })
})

describe('a deny', () => {
  test('names the first condition that fails, and the facts that are missing, with variables where any will do', () => {
    const asked = { policy: documents, facts: [], question: 'User:ana read Document:plan' }
    expect(missingOf(asked)).toEqual(['has_relation(Document:plan, "folder", Folder:<o>)', 'has_role(User:ana, "reader", Folder:<o>)'])
  })

  test('takes what is there for as much as it is worth', () => {
    const reader = 'has_role User:ana reader Folder:z'
    expect(missingOf({ policy: documents, facts: [reader], question: 'User:ana read Document:plan' })).toEqual([
      'has_relation(Document:plan, "folder", Folder:z)',
    ])
    expect(missingOf({ policy: documents, facts: inFolder, question: 'User:ana read Document:plan' })).toEqual([
      'has_role(User:ana, "reader", Folder:a)',
    ])
  })

  test('names what no fact can mend: a comparison, a negation with the fact that blocks it', () => {
    const facts = [
      ...inFolder,
      'has_role User:ana reader Folder:b',
      'sealed Document:plan',
      'clearance User:ana 2',
      'expires Document:plan 5',
    ]
    const sealed = linesOf({ policy: documents, facts, question: 'User:ana read Document:plan' })
    expect(sealed).toContain('not sealed(Document:plan)  does not hold, because of\n          sealed(Document:plan)  fact')
    const low = linesOf({ policy: documents, facts, question: 'User:ana sign Document:plan' })
    expect(low).toContain('2 >= 3  does not hold\n        missing: clearance(User:ana, 3)\n        missing: expires(Document:plan, 1001)')
  })

  test('says so when the policy has no rule for it', () => {
    const policy = 'actor User {}\nresource Box {}\nallow(u: User, "open", b: Box) if holds_key(u, b);'
    expect(linesOf({ policy, facts: [], question: 'User:ana paint Box:b' })).toBe('allow(User:ana, "paint", Box:b)\n  no rule gives this')
    expect(missingOf({ policy, facts: [], question: 'User:ana paint Box:b' })).toBe(null)
  })

  test('an `or` is told by its alternatives', () => {
    const policy = 'actor User {}\nresource Box {}\nallow(u: User, "open", b: Box) if holds_key(u, b) or (owns(u, b) and not locked(b));'
    const { attempts } = why({ policy, facts: ['locked Box:b'], question: 'User:ana open Box:b' })
    expect(attempts.map(({ missing }) => missing?.map(atomText))).toEqual([['holds_key(User:ana, Box:b)'], undefined])
  })
})

describe('a rule that could have matched', () => {
  const policyOf = (rule: string): string => `actor User {} actor Bot {}\nresource Box {}\n${rule}`
  /** What is told of each attempt: the condition that fails, and how many held before. */
  const failures = (asked: Asked): string[] =>
    why(asked).attempts.map(({ held, failed }) => `${held.length} ${failed.kind === 'call' ? atomText(failed.atom) : failed.text}`)

  test('is told once, however many types its variables can have', () => {
    const policy = policyOf('allow(u: User, "open", b: Box) if level(u, n) and needs(b, m) and n != m and not n > m;')
    const facts = ['level User:ana 7', 'needs Box:b 3']
    expect(failures({ policy, facts, question: 'User:ana open Box:b' })).toEqual(['3 not 7 > 3'])
  })

  test('is told by what fails first, not by what fails too', () => {
    const policy = policyOf(
      'allow(u: User, "open", b: Box) if member(u, g) and g matches User and owns(g, b) and sealed(b) and not barred(u);',
    )
    const asked = { policy, question: 'User:ana open Box:b' }
    expect(failures({ ...asked, facts: ['barred User:ana'] })).toEqual(['0 sealed(Box:b)'])
    expect(failures({ ...asked, facts: ['barred User:ana', 'sealed Box:b'] })).toEqual(['1 member(User:ana, User:_)'])
    const member = ['member User:ana User:g', 'sealed Box:b', 'barred User:ana']
    expect(failures({ ...asked, facts: member })).toEqual(['2 owns(User:g, Box:b)'])
    expect(failures({ ...asked, facts: [...member, 'owns User:g Box:b'] })).toEqual(['3 not barred(User:ana)'])
  })

  test('is told for each alternative, in the order of the policy', () => {
    const policy = policyOf(
      'allow(u: User, "open", b: Box) if holds(u, b) or lent(u, b);\nallow(_: User, "open", b: Box) if free(b);\nallow(_: Bot, "open", b: Box) if slot(b);',
    )
    expect(failures({ policy, facts: [], question: 'User:ana open Box:b' })).toEqual([
      '0 holds(User:ana, Box:b)',
      '0 lent(User:ana, Box:b)',
      '0 free(Box:b)',
    ])
  })
})

describe('where a condition fails for several types, and rules could have given it', () => {
  const policy = `actor User {}
resource Folder {
  permissions = ["read"]; roles = ["reader"]; relations = { drive: Drive };
  "read" if "reader";
  "read" if "read" on "drive";
}
resource Drive { permissions = ["read"]; roles = ["member"]; "read" if "member"; }
resource Bin { permissions = ["read"]; }
has_permission(u: User, "read", b: Bin) if sweeps(u, b);
resource Doc { permissions = ["read"]; relations = { parent: Resource }; }
has_permission(u: User, "read", d: Doc) if p matches Resource and has_relation(d, "parent", p) and has_permission(u, "read", p);`
  const question = 'User:ana read Doc:d'
  /** The failed conditions of one level below another, each with the atom that would have been given. */
  const levels = (attempts: readonly Attempt[]): string[][] => {
    const lines = attempts.map(({ atom, failed }) => `${atomText(atom)}: ${failed.kind === 'call' ? atomText(failed.atom) : failed.text}`)
    const below = attempts.flatMap(({ failed }) => (failed.kind === 'call' ? failed.attempts : []))
    return below.length === 0 ? [lines] : [lines, ...levels(below)]
  }

  test('those of all types are told, level by level', () => {
    const facts = ['Folder:f', 'Folder:g', 'Bin:b'].map((parent) => `has_relation Doc:d parent ${parent}`)
    const found = why({ policy, facts: [...facts, 'has_relation Folder:g drive Drive:v'], question })
    expect(found.truncated).toBe(false)
    expect(levels(found.attempts).slice(2)).toEqual([
      [
        'has_permission(User:ana, "read", Bin:b): sweeps(User:ana, Bin:b)',
        'has_permission(User:ana, "read", Folder:f): has_role(User:ana, "reader", Folder:f)',
        'has_permission(User:ana, "read", Folder:g): has_permission(User:ana, "read", Drive:v)',
      ],
      ['has_permission(User:ana, "read", Drive:v): has_role(User:ana, "member", Drive:v)'],
    ])
    expect(whyLines(found).slice(4, -2).join('\n')).toBe(`\
        has_relation(Doc:d, "parent", Bin:b)  fact
        has_permission(User:ana, "read", Bin:b)  does not hold
          by policy.polar:9:1: has_permission(u: User, "read", b: Bin) if sweeps(u, b);
            sweeps(User:ana, Bin:b)  does not hold
            missing: sweeps(User:ana, Bin:b)
        has_permission(User:ana, "read", Folder:f)  does not hold
          by policy.polar:4:3: "read" if "reader";
            has_role(User:ana, "reader", Folder:f)  does not hold
            missing: has_role(User:ana, "reader", Folder:f)
        has_permission(User:ana, "read", Folder:g)  does not hold
          by policy.polar:5:3: "read" if "read" on "drive";
            has_relation(Folder:g, "drive", Drive:v)  fact
            has_permission(User:ana, "read", Drive:v)  does not hold
              by policy.polar:7:62: resource Drive { permissions = ["read"]; roles = ["member"]; "read" if "member"; }
                has_role(User:ana, "member", Drive:v)  does not hold
                missing: has_role(User:ana, "member", Drive:v)`)
  })

  test('those of a type for which an earlier condition fails are not', () => {
    const found = why({ policy, facts: ['has_relation Doc:d parent Drive:v'], question })
    expect(levels(found.attempts).slice(2)).toEqual([['has_permission(User:ana, "read", Drive:v): has_role(User:ana, "member", Drive:v)']])
    expect(levels(why({ policy, facts: [], question }).attempts)).toHaveLength(2)
  })

  test('also where nothing is known of the value', () => {
    const open = `actor User {} actor Team {} actor Crew {}
resource Box {}
joined(u: User, t: Team) if invited(u, t);
joined(u: User, c: Crew) if hired(u, c);
allow(u: User, "open", _: Box) if joined(u, g) and opens(g);`
    const { attempts } = why({ policy: open, facts: [], question: 'User:ana open Box:b' })
    expect(levels(attempts)).toEqual([
      ['allow(User:ana, "open", Box:b): joined(User:ana, Team:_)'],
      ['joined(User:ana, Team:_): invited(User:ana, Team:_)', 'joined(User:ana, Crew:_): hired(User:ana, Crew:_)'],
    ])
  })

  test('too many values are cut, and said to be', () => {
    const facts = Array.from({ length: 100 }, (_, index) => `has_relation Doc:d parent Folder:f${index}`)
    const found = why({ policy, facts, question })
    expect(found.truncated).toBe(true)
    expect(levels(found.attempts)[2]).toHaveLength(2)
  })
})

describe('what is too much is left out, and said to be', () => {
  const many = (count: number, part: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => part(index)).join('\n')

  test('4,000 rules', () => {
    const policy = `actor User {} resource Box { permissions = ["open"]; }\n${many(4000, (index) => `has_permission(u: User, "open", b: Box) if p${index % 60}(u, b) and q${index % 61}(b);`)}`
    const found = why({ policy, facts: [], question: 'User:ana open Box:b' })
    expect([found.allowed, found.truncated, JSON.stringify(found).length < 1_000_000]).toEqual([false, true, true])
  })

  test('a person in very many groups', () => {
    const policy = `actor User {} actor Group {} resource Box { permissions = ["open"]; }
has_permission(u: User, "open", b: Box) if member(u, g) and member(g, h) and may_open(h, b);`
    const facts = Array.from({ length: 25_000 }, (_, index) => `member User:ana Group:g${index}`)
    const found = why({ policy, facts, question: 'User:ana open Box:b' })
    expect([found.allowed, found.truncated]).toEqual([false, true])
  })

  test('a rule of very many conditions', () => {
    const names = Array.from({ length: 60 }, (_, index) => `p${index % 40} User:ana Box:b n${index}`)
    const conditions = names.map((name) => `p${name.split(' ')[0]?.slice(1)}(u, b, "${name.split(' ')[3]}")`).join(' and ')
    const policy = `actor User {} resource Box { permissions = ["open"]; }\nhas_permission(u: User, "open", b: Box) if ${conditions};`
    expect(missingOf({ policy, facts: names.slice(2), question: 'User:ana open Box:b' })).toHaveLength(2)
    expect(why({ policy, facts: names, question: 'User:ana open Box:b' }).facts).toHaveLength(60)
    // A permission itself is less than 60 facts.
    expect(missingOf({ policy, facts: [], question: 'User:ana open Box:b' })).toEqual(['has_permission(User:ana, "open", Box:b)'])
  })
})
