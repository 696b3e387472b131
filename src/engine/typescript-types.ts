/** A checked policy → a TypeScript module with the types of its facts and queries, for clients that take them as a type argument. */
import { at } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { compareBytewise } from '../base/text.ts'
import { DEFAULT_ALLOW_SIGNATURES, NAMED_PREDICATES } from '../check/collect-signatures.ts'
import type { CheckedPolicy, FactSignature, ResourceMetadata } from '../check/core.ts'
import { acceptedFacts } from '../ir/fact-source.ts'
import type { TypeTuple } from '../ir/resolve.ts'
import { indexRules, Specialiser } from '../ir/specialise.ts'
import { open, type PositionClass } from '../ir/terms.ts'

/**
 * The text of the module: `PolarResources`, a constant, and `PolarTypes`, whose `fact` is what can be inserted and whose `query` is
 * what rules derive. Equal policies give equal texts. Throws TooComplex, also for more than `TUPLES` of either.
 */
export const typescriptTypes = (policy: CheckedPolicy): string => {
  // Under the implicit `allow` a permission may be a fact of any types; as a type that would take every typing mistake.
  const signatures = policy.signatures.filter((signature) => !DEFAULT_ALLOW_SIGNATURES.includes(signature))
  return `// Written by \`arctos generate-types typescript\` from the policy: change that instead.

export const PolarResources = ${resourcesText(policy.metadata)} as const

export type PolarTypes = {
  fact:${unionText(factTuples(signatures))}
  query:${unionText(queryTuples({ ...policy, signatures }))}
  resources: typeof PolarResources
}
`
}

/** A position of a tuple; null: any. */
interface Position {
  readonly type: string | null
  readonly id: string | null
}

interface Tuple {
  readonly predicate: string
  readonly positions: readonly Position[]
}

/** More than an editor shows, and than a type checker takes without delay. */
const TUPLES = 20_000

/** A policy whose types are too many to be of use. */
export class TooManyTypes extends Error {
  override readonly name = 'TooManyTypes'
}

const factTuples = (signatures: readonly FactSignature[]): readonly Tuple[] =>
  bounded(
    signatures.flatMap(({ predicate, positions }) => {
      const combinations = positions.reduce((product, { types }) => product * (types?.length ?? 1), 1)
      if (combinations > TUPLES) throw tooMany()
      return product(positions.map(({ types, name }) => (types ?? [null]).map((type): Position => ({ type, id: name })))).map(
        (found): Tuple => ({ predicate, positions: found }),
      )
    }),
  )

const product = (choices: readonly (readonly Position[])[]): readonly (readonly Position[])[] =>
  choices.reduce<readonly (readonly Position[])[]>((tuples, some) => tuples.flatMap((tuple) => some.map((one) => [...tuple, one])), [[]])

/** What the heads of rules can hold for. */
const queryTuples = (policy: CheckedPolicy): readonly Tuple[] => {
  const rules = indexRules(policy.rules)
  const facts = acceptedFacts(policy)
  const names = namesOf(policy)
  const tuples: Tuple[] = []
  for (const some of rules.values()) {
    const { predicate, params } = at(some, 0)
    // Clients ask about as many arguments as a fact can have.
    if (params.length === 0 || params.length > limits.factArguments) continue
    // A specialiser for each question, as each may take the whole budget of planning.
    const ask: Ask = (name) =>
      new Specialiser(rules, facts, policy.concreteTypes).typeTuples(
        predicate,
        params.map((_, index) => (index === 1 ? name : open)),
      )
    const found =
      params.length >= 2 && takesName(predicate) ? namedPositions(ask, names) : ask(open).map((types) => positionsOf(types, null))
    for (const positions of found) tuples.push({ predicate, positions })
    if (tuples.length > TUPLES) throw tooMany()
  }
  return tuples
}

/** Type tuples for which a predicate can hold with this second argument. */
type Ask = (name: PositionClass) => readonly TypeTuple[]

/** With the name of a role, permission, relation or action, where not every name will do. */
const namedPositions = (ask: Ask, names: ReadonlySet<string>): readonly (readonly Position[])[] => {
  const every = ask({ kind: 'typed', type: 'String', other: true })
  const found = every.map((types) => positionsOf(types, null))
  const covered = new Set(every.map((types) => JSON.stringify(types)))
  for (const id of names) {
    const more = ask({ kind: 'constant', value: { type: 'String', id } }).filter((types) => !covered.has(JSON.stringify(types)))
    for (const types of more) found.push(positionsOf(types, id))
    if (found.length > TUPLES) throw tooMany()
  }
  return found
}

const positionsOf = (types: TypeTuple, name: string | null): readonly Position[] =>
  types.map((type, index) => ({ type, id: index === 1 ? name : null }))

const takesName = (predicate: string): boolean => predicate === 'allow' || NAMED_PREDICATES.has(predicate)

/** Names that blocks declare and rules or signatures mention. */
const namesOf = ({ metadata, rules, signatures }: CheckedPolicy): ReadonlySet<string> => {
  const names = new Set<string>()
  for (const { roles, permissions, relations } of Object.values(metadata))
    for (const name of [...roles, ...permissions, ...Object.keys(relations)]) names.add(name)
  for (const { params } of rules)
    for (const param of params) if (param.kind === 'value' && param.value.type === 'String') names.add(param.value.id)
  for (const { positions } of signatures) for (const { name } of positions) if (name !== null) names.add(name)
  return names
}

const bounded = (tuples: readonly Tuple[]): readonly Tuple[] => {
  if (tuples.length > TUPLES) throw tooMany()
  return tuples
}

const tooMany = (): TooManyTypes => new TooManyTypes(`the policy has more than ${TUPLES} typed facts or queries`)

const unionText = (tuples: readonly Tuple[]): string => {
  const texts = [...new Set(tuples.map(tupleText))].toSorted(compareBytewise)
  return texts.length === 0 ? ' never' : texts.map((text) => `\n    | ${text}`).join('')
}

const tupleText = ({ predicate, positions }: Tuple): string => `[${[literal(predicate), ...positions.map(positionText)].join(', ')}]`

const positionText = ({ type, id }: Position): string =>
  `{ type: ${type === null ? 'string' : literal(type)}; id: ${id === null ? 'string' : literal(id)} }`

const literal = (text: string): string => JSON.stringify(text)

const resourcesText = (metadata: Readonly<Record<string, ResourceMetadata>>): string => {
  const entries = Object.entries(metadata).filter(([type, members]) => type !== 'global' || !isEmpty(members))
  if (entries.length === 0) return '{}'
  return `{\n${entries.map(([type, members]) => `  ${literal(type)}: ${membersText(members)},\n`).join('')}}`
}

const isEmpty = ({ roles, permissions, relations }: ResourceMetadata): boolean =>
  roles.length + permissions.length + Object.keys(relations).length === 0

const membersText = ({ roles, permissions, relations }: ResourceMetadata): string =>
  `{\n${[
    `roles: [${roles.map(literal).join(', ')}]`,
    `permissions: [${permissions.map(literal).join(', ')}]`,
    `relations: ${relationsText(relations)}`,
  ]
    .map((text) => `    ${text},\n`)
    .join('')}  }`

const relationsText = (relations: ResourceMetadata['relations']): string => {
  const texts = Object.entries(relations).map(([name, type]) => `${literal(name)}: ${literal(type)}`)
  return texts.length === 0 ? '{}' : `{ ${texts.join(', ')} }`
}
