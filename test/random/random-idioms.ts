/** Rules as practice writes them, which single random conditions seldom add up to: roles from facts, cycles of two, "every one that is needed", quotas, what is reached over folders and teams. */
import type { Item } from './item.ts'
import type { Random } from './prng.ts'
import { literalText, permissions, randomValue, resourceTypes, roles, usualTypes } from './vocabulary.ts'

/** Each idiom uses predicates of its own, so that it is stratified wherever it stands; its goal may lead on to a permission. */
export const randomIdioms = (random: Random): Item[] =>
  [rolesFromFacts, cycleOfTwo, everyNeeded, quota, loop, reached].flatMap((idiom) => (random.chance(0.3) ? idiom(random) : []))

const rule = (head: string, ...parts: string[]): Item => ({ kind: 'rule', head, parts })

const actorType = (random: Random): string => random.pick(['User', 'User', 'Bot', 'Team', 'Actor'])
const placeType = (random: Random): string => random.pick([...resourceTypes, 'Resource'])
const names = (random: Random): string => (random.chance(0.5) ? random.pick(roles) : random.pick(permissions))

/** What a role may do, or which role somebody has, stands in facts. */
const rolesFromFacts = (random: Random): Item[] => {
  const [actor, place] = [actorType(random), placeType(random)]
  const moved = random.chance(0.4)
  const conditions = [
    'role matches String',
    `place matches ${place}`,
    moved ? 'has_relation(r, "parent", place)' : 'r = place',
    'assigned(a, role, place)',
    'grants(role, n)',
    ...(random.chance(0.3) ? [`not revoked(role, ${random.chance(0.5) ? 'n' : literalText(randomValue(random, 'String'))})`] : []),
  ]
  const head = random.chance(0.6) ? 'has_permission' : 'has_role'
  return [
    rule(`${head}(a: ${actor}, n: String, r: ${place})`, ...conditions),
    ...(random.chance(0.5)
      ? [rule('grants(upper: String, n: String)', 'lower matches String', 'implies(upper, lower)', 'grants(lower, n)')]
      : []),
    ...(random.chance(0.5) ? [rule(`grants(${JSON.stringify(names(random))}, ${JSON.stringify(names(random))})`)] : []),
  ]
}

/** Two predicates that need each other, and neither's absence. */
const cycleOfTwo = (random: Random): Item[] => {
  const type = random.pick(usualTypes)
  const back = random.chance(0.5)
  const step = (to: string, from: string, fact: string): Item =>
    rule(`${to}(x: ${type}, y: ${type})`, `z matches ${type}`, `${from}(${back ? 'x, z' : 'z, y'})`, `${fact}(${back ? 'z, y' : 'x, z'})`)
  const use = rule(
    `has_permission(a: Actor, ${JSON.stringify(random.pick(permissions))}, r: ${type})`,
    `${random.pick(['odd', 'even'])}(r, r)`,
  )
  const shown = rule(`has_role(a: ${actorType(random)}, ${JSON.stringify(random.pick(roles))}, r: ${type})`, 'base2(a, o)', 'even(o, r)')
  return [
    rule(`even(x: ${type}, y: ${type})`, 'edge(x, y)'),
    step('even', 'odd', 'edge'),
    step('odd', 'even', random.pick(['edge', 'link'])),
    ...(random.chance(0.4) ? [use] : []),
    ...(random.chance(0.6) ? [shown] : []),
  ]
}

/** Everything that is asked for is there, or excused. */
const everyNeeded = (random: Random): Item[] => {
  const [actor, place] = [actorType(random), placeType(random)]
  const enough = [
    'holds(a, need)',
    'excused(a)',
    `score(a, need, n) and n ${random.pick(['>', '>=', '<', '!='])} ${random.below(4)}`,
    `need in [${random.pick(['"viewer"', '"read"'])}]`,
    'flag(a, true)',
  ]
  const options = Array.from({ length: 1 + random.below(3) }, () => random.pick(enough))
  const inner = options.length === 1 ? `${options.join()}` : options.join(' or ')
  const lacking = `not (needs(r, need) and not (${inner}))`
  const refused = random.chance(0.4) ? [`not (${random.pick(['flag(a, false)', 'excused(r)'])} or barred(a, r))`] : []
  return [
    rule(
      `has_permission(a: ${actor}, ${JSON.stringify(random.pick(permissions))}, r: ${place})`,
      random.pick(['base2(a, r)', 'has_relation(r, "owner", a)', 'has_role(a, _, r)']),
      lacking,
      ...refused,
    ),
    rule('holds(a: Actor, need: String)', 'badge(a, need)'),
    ...(random.chance(0.4) ? [rule(`needs(${literalText(randomValue(random, random.pick(resourceTypes)))}, "viewer")`)] : []),
  ]
}

/** Numbers compared with numbers, one of them a policy's own. */
const quota = (random: Random): Item[] => {
  const place = placeType(random)
  return [
    rule(`room(r: ${place})`, 'used(r, plan, n)', 'most(plan, m)', `n ${random.pick(['<', '<=', '!='])} m`, `n >= ${random.below(2)}`),
    rule(`most("viewer", ${1 + random.below(3)})`),
    rule(
      `has_permission(a: ${actorType(random)}, ${JSON.stringify(random.pick(permissions))}, r: ${place})`,
      'base1(a)',
      random.chance(0.7) ? 'room(r)' : '(room(r) or flag(r, true))',
      ...(random.chance(0.4) ? ['opens(a, r, "read", t, true)', 't <= @current_unix_time'] : []),
    ),
  ]
}

/** One variable in two places. */
const loop = (random: Random): Item[] => {
  const type = random.pick([...usualTypes, 'String', 'Integer'])
  return [
    rule(`same(x: ${type}, x: ${type})`, ...(random.chance(0.5) ? [`seen(x)`] : [])),
    rule(`again(x: ${type}, n: Integer, x: ${type})`, 'met(x, n)', ...(random.chance(0.5) ? ['same(x, x)'] : [])),
    rule(`pairs(x: ${type}, y: ${type})`, 'again(x, _, y)', random.chance(0.5) ? 'same(y, x)' : 'not barred(x, y)'),
  ]
}

/** What is shared holds below it, by its weaker names, and for the members of those that it is shared with: the same is reached in several orders. */
const reached = (random: Random): Item[] => {
  const [actor, place] = [random.pick(['User', 'Actor', 'Actor']), placeType(random)]
  const through = random.pick(['base2(a, t)', 'has_role(a, "viewer", t)', 'member(a, t)'])
  const extras = ['not barred(a, r)', 'n in ["viewer", "editor"]', 'not flag(r, false)', 'base1(a)', 'a != r']
  const extra = (): string[] => (random.chance(0.2) ? [random.pick(extras)] : [])
  const step = random.pick(['has_relation(r, "parent", p)', 'has_relation(r, "parent", p)', 'edge(r, p)', 'edge(p, r)'])
  const rules = [
    rule(`reach(a: ${actor}, n: String, r: Resource)`, 'assigned(a, n, r)'),
    rule(`reach(a: ${random.pick([actor, 'Actor'])}, n: String, r: ${place})`, 'p matches Folder', step, 'reach(a, n, p)', ...extra()),
    rule(
      `reach(a: Actor, "viewer", r: ${random.pick([place, 'Resource'])})`,
      'reach(a, "editor", r)',
      ...(random.chance(0.1) ? ['not barred(a, r)'] : []),
    ),
    rule(`reach(a: ${actor}, n: String, r: ${random.pick([place, 'Resource'])})`, 't matches Team', 'reach(t, n, r)', through, ...extra()),
    rule('member(a: Actor, t: Team)', 'base2(a, t)'),
    ...(random.chance(0.5) ? [rule('member(a: Actor, t: Team)', 'u matches Team', 'member(a, u)', 'base2(u, t)')] : []),
  ]
  const use = rule(
    `has_permission(a: ${actorType(random)}, ${JSON.stringify(random.pick(permissions))}, r: ${place})`,
    'reach(a, "viewer", r)',
  )
  return [...(random.chance(0.5) ? rules : rules.toReversed()), ...(random.chance(0.8) ? [use] : [])]
}
