/** The environment named `control`: which environments there are, in which partition, and the hashes of their keys, as facts like any others. */
import { assert } from '../base/assert.ts'
import type { Fact, Value } from '../base/value.ts'
import type { Store } from '../store/facts.ts'
import type { Change } from './record.ts'

/** Its own partition is the first one. It has no policy and no keys: only processes and the admin key reach it. */
export const controlEnvironment = 'control'

/** Names of folders beside those of environments, in the object store. */
export const isReserved = (id: string): boolean => id === controlEnvironment || id === 'heartbeats'

export interface PlacedEnvironment {
  readonly id: string
  readonly partition: number
  /** Every record of it is behind this revision of its partition; missing where that was not noted. */
  readonly bornAfter?: number
}

export interface ControlKey {
  readonly environment: string
  readonly tokenId: string
  readonly access: 'read-write' | 'read-only'
  /** SHA-256 of the key, in hexadecimal. */
  readonly hash: string
}

/** Every environment but `control`, by id. */
export const placedEnvironments = (control: Store): readonly PlacedEnvironment[] => {
  const bornAfter = new Map(numbersOf(control, 'environment_born_after'))
  return numbersOf(control, 'environment').map(([id, partition]) => {
    const after = bornAfter.get(id)
    return { id, partition, ...(after !== undefined && { bornAfter: after }) }
  })
}

/** Of a predicate that gives each environment an integer. */
const numbersOf = (control: Store, predicate: string): readonly (readonly [id: string, number: number])[] =>
  control
    .facts({ predicate, args: [{ type: 'Environment', id: null }, anyInteger] }, true, Number.MAX_SAFE_INTEGER)
    .map(({ args: [id, number] }) => [textOf(id), Number(textOf(number))] as const)

/** Whether an id belonged to an environment that was deleted. */
export const wasDeleted = (control: Store, id: string): boolean => control.count(deletedFact(id)) > 0

/** Every id that is never used again. */
export const deletedEnvironments = (control: Store): readonly string[] =>
  control
    .facts({ predicate: 'deleted_environment', args: [{ type: 'Environment', id: null }] }, true, Number.MAX_SAFE_INTEGER)
    .map(({ args: [id] }) => textOf(id))

export const controlKeys = (control: Store): readonly ControlKey[] =>
  control
    .facts({ predicate: 'key', args: [{ type: 'Environment', id: null }, ...anyTexts(3)] }, true, Number.MAX_SAFE_INTEGER)
    .map(({ args: [environment, tokenId, access, hash] }) => ({
      environment: textOf(environment),
      tokenId: textOf(tokenId),
      access: textOf(access) === 'read-only' ? 'read-only' : 'read-write',
      hash: textOf(hash),
    }))

/** Of all concurrent creations the first record counts: they share this write id, and `apply` takes a write id once. */
export const creationWriteId = (id: string): string => `environment-${id}`

export const environmentCreated = ({ id, partition, bornAfter }: PlacedEnvironment): readonly Change[] => [
  numberOf('environment', id, partition),
  ...(bornAfter === undefined ? [] : [numberOf('environment_born_after', id, bornAfter)]),
]

export const environmentDeleted = (id: string): readonly Change[] => [
  { kind: 'delete', pattern: { predicate: 'environment', args: [environmentValue(id), anyInteger] } },
  { kind: 'delete', pattern: { predicate: 'environment_born_after', args: [environmentValue(id), anyInteger] } },
  { kind: 'delete', pattern: { predicate: 'key', args: [environmentValue(id), ...anyTexts(3)] } },
  { kind: 'insert', fact: deletedFact(id) },
]

export const keyCreated = ({ environment, tokenId, access, hash }: ControlKey): readonly Change[] => [
  { kind: 'insert', fact: { predicate: 'key', args: [environmentValue(environment), text(tokenId), text(access), text(hash)] } },
]

export const keyRevoked = (environment: string, tokenId: string): readonly Change[] => [
  { kind: 'delete', pattern: { predicate: 'key', args: [environmentValue(environment), text(tokenId), ...anyTexts(2)] } },
]

const numberOf = (predicate: string, id: string, number: number): Change => ({
  kind: 'insert',
  fact: { predicate, args: [environmentValue(id), { type: 'Integer', id: String(number) }] },
})

const deletedFact = (id: string): Fact => ({ predicate: 'deleted_environment', args: [environmentValue(id)] })

const environmentValue = (id: string): Value => ({ type: 'Environment', id })

const anyInteger = { type: 'Integer', id: null } as const

const text = (id: string): Value => ({ type: 'String', id })

const anyTexts = (count: number): readonly { readonly type: string; readonly id: null }[] =>
  Array.from({ length: count }, () => ({ type: 'String', id: null }))

const textOf = (value: Value | undefined): string => {
  assert(value !== undefined, 'the search found facts of this length')
  return value.id
}
