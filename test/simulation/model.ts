/** What an environment holds after each record: the plain meaning of the log, against which replicas are held. */
import { known } from '../../src/base/assert.ts'
import type { Fact, FactPattern } from '../../src/base/value.ts'
import { decodeRecord } from '../../src/log/codec.ts'
import type { RecordBody } from '../../src/log/record.ts'
import type { Store } from '../../src/store/facts.ts'

export interface Written {
  readonly env: string
  readonly revision: number
  readonly bytes: Uint8Array
}

export interface ModelState {
  readonly facts: ReadonlySet<string>
  readonly policy: string | null
}

const nothing: ModelState = { facts: new Set(), policy: null }

/** A state with the writes that led to it: what a restore takes back may be written again, what it brings back may not. */
interface Reached {
  readonly state: ModelState
  readonly writes: ReadonlySet<string>
}

/** The states of one environment, by revision. Records are added as they are written. */
export class Model {
  readonly #reached = new Map<number, Reached>()
  readonly #everWritten = new Set<string>()
  #last: Reached = { state: nothing, writes: new Set() }
  #revision = -1

  get revision(): number {
    return this.#revision
  }

  /** After the last record. */
  get newest(): ModelState {
    return this.#last.state
  }

  /** Whether a write ever took effect. */
  tookEffect(writeId: string): boolean {
    return this.#everWritten.has(writeId)
  }

  add({ revision, bytes }: Written): void {
    const { writeId, body } = decodeRecord(bytes)
    this.#revision = revision
    if (body.kind !== 'genesis' && !this.#last.writes.has(writeId)) {
      this.#everWritten.add(writeId)
      const { state, writes } = body.kind === 'restore' ? this.#reachedAt(body.revision) : this.#last
      this.#last = { state: body.kind === 'restore' ? state : after(state, body), writes: new Set(writes).add(writeId) }
    }
    this.#reached.set(revision, this.#last)
  }

  /** The state of a replica whose last record is this one. */
  at(revision: number): ModelState {
    return revision < 0 ? nothing : this.#reachedAt(revision).state
  }

  #reachedAt(revision: number): Reached {
    return known(this.#reached.get(revision), `revision ${revision} was written`)
  }
}

const after = (state: ModelState, body: Exclude<RecordBody, { kind: 'genesis' | 'restore' }>): ModelState => {
  switch (body.kind) {
    case 'clear':
      return nothing
    case 'policy':
      return { ...state, policy: body.source }
    case 'facts': {
      const facts = new Set(state.facts)
      for (const change of body.changes) {
        if (change.kind === 'insert') facts.add(factText(change.fact))
        else for (const fact of facts) if (matches(change.pattern, fact)) facts.delete(fact)
      }
      return { ...state, facts }
    }
  }
}

/** How a replica differs from the model at its own revision, or null. */
export const difference = (store: Store, model: Model): string | null => {
  const revision = store.revision()
  const expected = model.at(revision)
  const facts = store.facts({ predicate: null, args: [] }, false, Number.MAX_SAFE_INTEGER).map(factText)
  const found = new Set(facts)
  const missing = [...expected.facts].filter((fact) => !found.has(fact))
  const surplus = facts.filter((fact) => !expected.facts.has(fact))
  const policy = store.activePolicy()?.source ?? null
  if (missing.length === 0 && surplus.length === 0 && policy === expected.policy) return null
  return `at revision ${revision}: missing ${missing.join(' ')}, surplus ${surplus.join(' ')}, policy ${JSON.stringify(policy)}`
}

/** The environments that facts of `control` name. */
export const environmentsOf = ({ facts }: ModelState): readonly string[] =>
  [...facts].flatMap((text) => {
    const [predicate, , id]: unknown[] = JSON.parse(text)
    return predicate === 'environment' && typeof id === 'string' ? [id] : []
  })

const factText = ({ predicate, args }: Fact): string => JSON.stringify([predicate, ...args.flatMap(({ type, id }) => [type, id])])

const matches = ({ predicate, args }: FactPattern, text: string): boolean => {
  const [name, ...items]: unknown[] = JSON.parse(text)
  if (name !== predicate || items.length !== args.length * 2) return false
  return args.every(({ type, id }, index) => (type === null || items[index * 2] === type) && (id === null || items[index * 2 + 1] === id))
}
