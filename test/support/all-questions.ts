/** Every question over the values of a world: each actor, action and resource, every open query, each predicate. */
import { at } from '../../src/base/assert.ts'
import type { Fact, Value, ValuePattern } from '../../src/base/value.ts'
import type { CheckedPolicy } from '../../src/check/core.ts'
import { writtenValues } from '../oracle/program.ts'
import type { Asked, Question } from './question.ts'

/** What a world gives to ask about. */
export interface Ground {
  readonly policy: CheckedPolicy
  readonly facts: readonly Fact[]
  /** Questions whose values are to be asked about, too. */
  readonly questions: readonly Question[]
}

/** At most `cap` questions of each kind, spread evenly. */
export const allQuestions = (ground: Ground, context: Omit<Asked, 'question'>, cap: number): Asked[] => {
  const parties = partiesOf(ground, context.contextFacts)
  const kinds = [authorizes, lists, actionsOf, subjects, openQueries, everyPredicate].map((kind) => sample(kind(parties), cap))
  return kinds.flat().map((question) => ({ question, ...context }))
}

interface Parties {
  readonly policy: CheckedPolicy
  readonly actors: readonly Value[]
  readonly actorTypes: readonly string[]
  readonly actions: readonly string[]
  readonly resources: readonly Value[]
  readonly resourceTypes: readonly string[]
}

const partiesOf = ({ policy, facts, questions }: Ground, contextFacts: readonly Fact[]): Parties => {
  const asked = questions.flatMap(askedParties)
  const values = distinct([...writtenValues(policy), ...[...facts, ...contextFacts].flatMap(({ args }) => args)])
  const typesOf = (name: string, extra: readonly (string | undefined)[]): string[] =>
    [...new Set([...(policy.concreteTypes.get(name) ?? []), ...extra])].filter((type) => type !== undefined)
  const actorTypes = typesOf(
    'Actor',
    asked.map(({ actor }) => actor?.type),
  )
  const resourceTypes = typesOf(
    'Resource',
    asked.map(({ resource }) => resource?.type),
  )
  const of = (types: readonly string[]): Value[] => [
    ...values.filter(({ type }) => types.includes(type)),
    ...types.map((type) => ({ type, id: type === 'Integer' ? '77' : type === 'Boolean' ? 'true' : 'stranger' })),
  ]
  return {
    policy,
    actorTypes,
    resourceTypes,
    actors: distinct([...of(actorTypes), ...asked.flatMap(({ actor }) => actor ?? [])]),
    resources: distinct([...of(resourceTypes), ...asked.flatMap(({ resource }) => resource ?? [])]),
    actions: [
      ...new Set([
        ...Object.values(policy.metadata).flatMap(({ permissions }) => permissions),
        ...asked.flatMap(({ action }) => action ?? []),
        'undeclared',
      ]),
    ],
  }
}

interface AskedParties {
  readonly actor?: Value
  readonly action?: string
  readonly resource?: Value
}

const askedParties = (question: Question): AskedParties[] => {
  if (question.kind === 'authorize')
    return [{ actor: question.actor, action: question.action, ...(question.resource && { resource: question.resource }) }]
  if (question.kind === 'actions') return [{ actor: question.actor, resource: question.resource }]
  if (question.kind === 'list') return [{ actor: question.actor, action: question.action }]
  if (question.kind === 'resources')
    return question.resources.map((resource) => ({ actor: question.actor, action: question.action, resource }))
  return []
}

const distinct = (values: readonly Value[]): Value[] => [
  ...new Map(values.map((value) => [JSON.stringify([value.type, value.id]), value])).values(),
]

const sample = <T>(items: readonly T[], cap: number): T[] =>
  items.length <= cap ? [...items] : Array.from({ length: cap }, (_, index) => at(items, Math.floor((index * items.length) / cap)))

const authorizes = ({ actors, actions, resources }: Parties): Question[] =>
  actors.flatMap((actor) =>
    actions.flatMap((action): Question[] => [
      { kind: 'authorize', actor, action, resource: null },
      { kind: 'resources', actor, action, resources },
      ...resources.map((resource): Question => ({ kind: 'authorize', actor, action, resource })),
    ]),
  )

const lists = ({ actors, actions, resourceTypes }: Parties): Question[] =>
  actors.flatMap((actor) => actions.flatMap((action) => resourceTypes.map((type): Question => ({ kind: 'list', actor, action, type }))))

const actionsOf = ({ actors, resources }: Parties): Question[] =>
  actors.flatMap((actor) => resources.map((resource): Question => ({ kind: 'actions', actor, resource })))

const text = (id: string): Value => ({ type: 'String', id })
const exactly = ({ type, id }: Value): [string, string[]] => [type, [id]]

/** `allow` with some of its arguments given. */
const allow = (...args: readonly [string, string[] | null][]): Question => {
  const names = args.map((_, index) => `v${index}`)
  const constraints = Object.fromEntries(args.map(([type, ids], index) => [`v${index}`, { type, ids }]))
  return { kind: 'query', query: { calls: [{ predicate: 'allow', args: names }], constraints } }
}

const subjects = ({ actorTypes, actions, resources }: Parties): Question[] =>
  actorTypes.flatMap((type) =>
    actions.flatMap((action) => resources.map((resource) => allow([type, null], exactly(text(action)), exactly(resource)))),
  )

const openQueries = ({ actors, actorTypes, actions, resourceTypes }: Parties): Question[] => [
  ...actorTypes.flatMap((type) => resourceTypes.map((resource) => allow([type, null], ['String', null], [resource, null]))),
  ...actorTypes.flatMap((type) =>
    actions.flatMap((action) => resourceTypes.map((resource) => allow([type, null], exactly(text(action)), [resource, null]))),
  ),
  ...actors.flatMap((actor) => resourceTypes.map((resource) => allow(exactly(actor), ['String', null], [resource, null]))),
  ...actorTypes.map((type) => allow([type, null], ['String', null])),
]

/** Each predicate of the policy: with everything free, and with one argument's type given. */
const everyPredicate = ({ policy, actorTypes, resourceTypes }: Parties): Question[] =>
  [...policy.predicates].flatMap((key) => {
    const split = key.lastIndexOf('/')
    const [predicate, length] = [key.slice(0, split), Number(key.slice(split + 1))]
    const types = [...new Set([...actorTypes, ...resourceTypes, 'String', 'Integer', 'Boolean'])]
    const free: ValuePattern[] = Array.from({ length }, () => ({ type: null, id: null }))
    const typed = free.flatMap((_, position) =>
      types.map((type) => free.map((pattern, index) => (index === position ? { type, id: null } : pattern))),
    )
    return [free, ...typed].map((args): Question => ({ kind: 'match', predicate, args }))
  })
