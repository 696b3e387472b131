/** What was found out about the subjects of checks, such as the teams of a user: exact, for it counts only as long as none of the tables that it was read from has changed. */
import { at, known } from '../base/assert.ts'
import { limits } from '../base/limits.ts'
import { MAX_CLOSED, MAX_REMEMBERED, type PartStatement, type RememberedPart } from '../sql/remembered.ts'
import type { Remembered } from '../store/database.ts'
import type { Encoded, Store } from '../store/facts.ts'
import { RecentCache } from '../store/recent-cache.ts'
import { BoundStatement } from './binder.ts'

/** Numbers that a list weighs beside its values. */
const LIST_WEIGHT = 16
/** The one group of the cache of subjects; the cache of steps has one per part. */
const SUBJECTS = 0

interface Bounds {
  readonly subjects: number
  readonly values: number
}

export class SubjectMemory {
  readonly worthwhile: number
  readonly #store: Store
  readonly #parts: Part[] = []
  readonly #numbers = new Map<string, number>()
  readonly #subjects: RecentCache<Encoded, Subject>
  readonly #steps: RecentCache<number, Known>
  readonly #maxWeight: number
  #weight = 0

  /** `worthwhile`: rows by estimate up to which a list is. */
  constructor(store: Store, worthwhile: number, bounds: Bounds = { subjects: limits.rememberedSubjects, values: limits.rememberedValues }) {
    this.#store = store
    this.worthwhile = worthwhile
    this.#subjects = new RecentCache(bounds.subjects)
    this.#steps = new RecentCache(bounds.subjects)
    this.#maxWeight = bounds.values
  }

  /** The number of a part; null for one that takes more than its input. Equal ones of several checks are one. */
  number(part: RememberedPart): number | null {
    const key = JSON.stringify([part.first, part.next])
    const found = this.#numbers.get(key)
    if (found !== undefined) return found
    const opened = openPart(this.#store, part)
    if (opened === null) return null
    const number = this.#parts.push(opened) - 1
    this.#numbers.set(key, number)
    return number
  }

  /** What is remembered of a subject, and will be. */
  of(subject: Encoded): Remembered {
    const found = this.#subjects.get(SUBJECTS, subject)
    if (found !== undefined) return found
    const made = new Subject(this, subject)
    this.#subjects.set(SUBJECTS, subject, made)
    return made
  }

  /** When the tables of a part changed last. */
  changes(number: number): number {
    // Indexed plainly: `at` serves arrays of every kind, which makes it slow.
    return known(this.#parts[number], 'part').changes(this.#store)
  }

  /** Every value of a part; null when there are too many. */
  values(number: number, subject: Encoded): readonly number[] | null {
    const { first, next } = at(this.#parts, number)
    const values = listed(first, subject)
    const all = values === null || next === null ? values : this.#closed(number, next, values)
    this.#weigh(all)
    return all
  }

  clear(): void {
    this.#forget()
    for (const part of this.#parts.splice(0)) part.close()
    this.#numbers.clear()
  }

  /** With the values that these lead to, step by step. */
  #closed(number: number, next: PartQuery, start: readonly number[]): readonly number[] | null {
    const found = [...new Set(start)]
    // The list grows while it is walked.
    for (const value of found) {
      const more = this.#step(number, next, value)
      if (more === null) return null
      for (const item of more) if (!found.includes(item)) found.push(item)
      if (found.length > MAX_CLOSED) return null
    }
    return found
  }

  /** Subjects have steps in common: the teams above a team are those of all its members. */
  #step(number: number, next: PartQuery, value: number): readonly number[] | null {
    const changes = this.changes(number)
    const found = this.#steps.get(number, value)
    if (found?.changes === changes) return found.values
    const values = listed(next, value)
    this.#steps.set(number, value, { changes, values })
    this.#weigh(values)
    return values
  }

  /** Beyond the bound everything is forgotten. */
  #weigh(values: readonly number[] | null): void {
    this.#weight += LIST_WEIGHT + (values?.length ?? 0)
    if (this.#weight > this.#maxWeight) this.#forget()
  }

  #forget(): void {
    this.#subjects.clear()
    this.#steps.clear()
    this.#weight = 0
  }
}

interface Known {
  /** The count of changes that it is true for. */
  readonly changes: number
  readonly values: readonly number[] | null
}

/** The lists of one subject by number of their part, each read when it is first asked for. */
class Subject implements Remembered {
  readonly #memory: SubjectMemory
  readonly #subject: Encoded
  readonly #lists: Known[] = []

  constructor(memory: SubjectMemory, subject: Encoded) {
    this.#memory = memory
    this.#subject = subject
  }

  has(part: number, value: number | null): boolean | null {
    const changes = this.#memory.changes(part)
    let list = this.#lists[part]
    if (list?.changes !== changes) {
      list = { changes, values: this.#memory.values(part, this.#subject) }
      this.#lists[part] = list
    }
    if (list.values === null) return null
    return value === null ? list.values.length > 0 : holds(list.values, value)
  }
}

/** Faster than `includes` for lists this short. */
const holds = (values: readonly number[], value: number): boolean => {
  for (let index = 0; index < values.length; index += 1) if (values[index] === value) return true
  return false
}

/** A statement and where its one input is bound. */
interface PartQuery {
  readonly statement: BoundStatement
  readonly positions: readonly number[]
}

class Part {
  readonly first: PartQuery
  readonly next: PartQuery | null
  readonly #tables: readonly string[]
  /** Last count of changes that was looked at, of all tables; and of those of this part. */
  #seen = -1
  #changes = -1

  constructor(first: PartQuery, next: PartQuery | null, tables: readonly string[]) {
    this.first = first
    this.next = next
    this.#tables = tables
  }

  changes(store: Store): number {
    const seen = store.changes()
    if (seen !== this.#seen) {
      this.#seen = seen
      this.#changes = store.changes(this.#tables)
    }
    return this.#changes
  }

  close(): void {
    this.first.statement.finalize()
    this.next?.statement.finalize()
  }
}

const openPart = (store: Store, { input, first, next }: RememberedPart): Part | null => {
  const start = openQuery(store, input, first)
  if (start === null) return null
  let part: Part | null = null
  try {
    const step = next === null ? null : openQuery(store, input, next)
    if (next === null || step !== null) part = new Part(start, step, tablesOf(`${first.sql} ${next?.sql ?? ''}`))
    return part
  } finally {
    // Also when there is no memory for the second.
    if (part === null) start.statement.finalize()
  }
}

const openQuery = (store: Store, input: string, { sql, slots }: PartStatement): PartQuery | null => {
  const statement = new BoundStatement(store.database, store, sql, slots)
  const positions = statement.positions([input])
  if (positions !== null) return { statement, positions: at(positions, 0) }
  statement.finalize()
  return null
}

/** User text never reaches a statement, so every such name is one of a table. */
const tablesOf = (sql: string): readonly string[] => [...new Set(sql.match(/\bf_[0-9a-f]{32}\b/g) ?? [])]

/** Null when there are too many. */
const listed = ({ statement: { statement }, positions }: PartQuery, input: Encoded): readonly number[] | null => {
  for (const position of positions) statement.bind(position, input)
  const values: number[] = []
  let others = 0
  statement.each(([value]) => {
    if (typeof value === 'number') values.push(value)
    else others += 1
    return others === 0 && values.length <= MAX_REMEMBERED
  })
  return others === 0 && values.length <= MAX_REMEMBERED ? values : null
}
