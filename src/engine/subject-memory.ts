/** What was found out about the subjects of checks, such as the teams of a user: exact, for it counts only as long as none of the tables that it was read from has changed. */
import { at, known } from '../base/assert.ts'
import { MAX_CLOSED, MAX_REMEMBERED, type PartStatement, type RememberedPart } from '../sql/remembered.ts'
import type { Remembered } from '../store/database.ts'
import type { Encoded, Store } from '../store/facts.ts'
import { RecentCache } from '../store/recent-cache.ts'
import { BoundStatement } from './binder.ts'

/** What a subject or a list weighs beside its numbers: its place in a map, and objects. */
const ENTRY_WEIGHT = 24
/** Steps are few where subjects are many: the teams above a team are those of all its members. */
const STEPS_SHARE = 4
/** The one group of the cache of subjects; the cache of steps has one per part. */
const SUBJECTS = 0
/** The length of a list that is too long to be remembered. */
const TOO_MANY = -1

export class SubjectMemory {
  readonly worthwhile: number
  readonly #store: Store
  readonly #parts: Part[] = []
  readonly #numbers = new Map<string, number>()
  readonly #subjects: RecentCache<Encoded, Subject>
  readonly #steps: RecentCache<number, Known>

  /** `worthwhile`: rows by estimate up to which a list is. */
  constructor(store: Store, worthwhile: number) {
    this.#store = store
    this.worthwhile = worthwhile
    const { rememberedNumbers } = store
    this.#subjects = new RecentCache(rememberedNumbers, (subject) => ENTRY_WEIGHT + subject.numbers)
    this.#steps = new RecentCache(rememberedNumbers / STEPS_SHARE, ({ values }) => ENTRY_WEIGHT + (values?.length ?? 0))
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
    return values === null || next === null ? values : this.#closed(number, next, values)
  }

  /** What is remembered of a subject takes so many numbers more. */
  grow(numbers: number): void {
    this.#subjects.grow(numbers)
  }

  clear(): void {
    this.#subjects.clear()
    this.#steps.clear()
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
    if (found === undefined) this.#steps.set(number, value, { changes, values })
    else {
      const before = found.values?.length ?? 0
      found.changes = changes
      found.values = values
      this.#steps.grow((values?.length ?? 0) - before)
    }
    return values
  }
}

interface Known {
  /** The count of changes that it is true for. */
  changes: number
  values: readonly number[] | null
}

/** The lists of one subject, each read when it is first asked for. They stand in one array, so that few looks into memory get all of them: of each list its part,
 * the count of changes that it is true for, its length or TOO_MANY, and its values. */
class Subject implements Remembered {
  readonly #memory: SubjectMemory
  readonly #subject: Encoded
  readonly #lists: number[] = []

  constructor(memory: SubjectMemory, subject: Encoded) {
    this.#memory = memory
    this.#subject = subject
  }

  get numbers(): number {
    return this.#lists.length
  }

  has(part: number, value: number | null): boolean | null {
    const changes = this.#memory.changes(part)
    let start = this.#start(part)
    if (this.#lists[start + 1] !== changes) {
      start = this.#put(start, part, changes, this.#memory.values(part, this.#subject))
    }
    const lists = this.#lists
    const length = lists[start + 2] ?? TOO_MANY
    if (length === TOO_MANY) return null
    if (value === null) return length > 0
    // Faster than `includes` for lists this short.
    const end = start + HEADER + length
    for (let index = start + HEADER; index < end; index += 1) if (lists[index] === value) return true
    return false
  }

  /** Where the list of a part is; behind all when there is none. */
  #start(part: number): number {
    const lists = this.#lists
    let start = 0
    while (start < lists.length && lists[start] !== part) start += sizeOf(lists[start + 2] ?? 0)
    return start
  }

  /** A new list, or in place of the one that is there; where it is now. */
  #put(start: number, part: number, changes: number, values: readonly number[] | null): number {
    const lists = this.#lists
    const before = lists.length
    if (start < before) lists.splice(start, sizeOf(at(lists, start + 2)))
    const put = lists.length
    lists.push(part, changes, values?.length ?? TOO_MANY)
    if (values !== null) for (const value of values) lists.push(value)
    this.#memory.grow(lists.length - before)
    return put
  }
}

/** In front of the values of a list: its part, its count of changes and its length. */
const HEADER = 3

/** Of a list of so many values. */
const sizeOf = (length: number): number => HEADER + Math.max(0, length)

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
