/** The dictionary: entities and strings to numbers and back, so that every fact column is an integer. */
import { assert, at, known } from '../base/assert.ts'
import type { Value } from '../base/value.ts'
import { entityTable, typeTable } from '../sql/naming.ts'
import type { Database, Statement } from './database.ts'
import type { Encoded } from './facts.ts'
import type { HeldBounds } from './held.ts'
import { allOnce, runOnce } from './once.ts'
import { RecentCache } from './recent-cache.ts'
import { ResidentTexts } from './resident-texts.ts'

/** The cache from numbers to keys needs no group: a number has one type. */
const ANY_TYPE = 0
/** Integers of fewer digits are exact as numbers. */
const EXACT_DIGITS = 15

/** How the values of a type stand in a column: `integer` and `boolean` as themselves, all others interned. */
export const columnKind = (type: string): 'integer' | 'boolean' | 'interned' => {
  if (type === 'Integer') return 'integer'
  return type === 'Boolean' ? 'boolean' : 'interned'
}

export class Dictionary {
  readonly #database: Database
  readonly #selectId: Statement
  readonly #selectKey: Statement
  readonly #selectNext: Statement
  readonly #insert: Statement
  readonly #types = new Map<string, number>()
  readonly #ids: RecentCache<string, number>
  readonly #keys: RecentCache<number, string>
  readonly #resident: ResidentTexts
  #nextId = 1

  constructor(database: Database, { cachedValues, residentBytes }: HeldBounds) {
    this.#database = database
    this.#ids = new RecentCache(cachedValues)
    this.#keys = new RecentCache(cachedValues)
    this.#resident = new ResidentTexts(residentBytes)
    this.#selectId = database.prepare(`select id from ${entityTable} where type = ? and key = ?`)
    this.#selectKey = database.prepare(`select key from ${entityTable} where id = ?`)
    this.#selectNext = database.prepare(`select id, type, key from ${entityTable} where id > ? order by id limit ?`)
    this.#insert = database.prepare(`insert or ignore into ${entityTable} (id, type, key) values (?, ?, ?)`)
    this.reload(true)
  }

  /** Number of a type, or undefined when no value of it was ever stored. */
  typeId(type: string): number | undefined {
    return this.#types.get(type)
  }

  encode(value: Value): Encoded | undefined {
    const kind = columnKind(value.type)
    if (kind !== 'interned') return encodeLiteral(kind, value.id)
    const type = this.#types.get(value.type)
    if (type === undefined) return undefined
    const resident = this.#find(type, value.id)
    if (resident !== null) return resident
    const cached = this.#ids.get(type, value.id)
    if (cached !== undefined) return cached
    const id = this.#selectId.get(type, value.id)?.[0]
    if (typeof id !== 'number') return undefined
    // Questions look up far more ids than they name in answers: the way back is remembered when it is asked for.
    this.#ids.set(type, value.id, id)
    return id
  }

  decode(type: string, encoded: Encoded): string {
    const kind = columnKind(type)
    if (kind === 'integer') return String(encoded)
    if (kind === 'boolean') return encoded === 1 ? 'true' : 'false'
    assert(typeof encoded === 'number', `\`${encoded}\` is the id of an interned value`)
    const cached = this.#keys.get(ANY_TYPE, encoded)
    if (cached !== undefined) return cached
    const key = this.#resident.text(encoded) ?? this.#selectKey.get(encoded)?.[0]
    assert(typeof key === 'string', `no interned value has the id \`${encoded}\``)
    this.#keys.set(ANY_TYPE, encoded, key)
    return key
  }

  /** As `encode`, but gives a value never seen its number. */
  intern(value: Value): Encoded {
    const kind = columnKind(value.type)
    if (kind !== 'interned') return encodeLiteral(kind, value.id)
    const type = this.#types.get(value.type) ?? this.#addType(value.type)
    const resident = this.#find(type, value.id)
    if (resident !== null && resident !== undefined) return resident
    const cached = resident === null ? this.#ids.get(type, value.id) : undefined
    if (cached !== undefined) return cached
    // Inserting first: what is not in the cache is mostly new.
    if (this.#insert.run(this.#nextId, type, value.id) === 1) return this.#add(type, value.id)
    const id = known(this.#selectId.get(type, value.id), 'an interned value has a row')[0]
    assert(typeof id === 'number', 'ids of interned values are exact')
    return this.#remember(type, value.id, id)
  }

  /** Takes up to so many values of an image into memory; true when all are there, or as many as there is room for. Values that are interned join them by themselves
   * when all are. */
  warm(values: number): boolean {
    this.#selectNext.each(
      ([id, type, key]) => {
        assert(typeof id === 'number' && typeof type === 'number' && typeof key === 'string', 'the dictionary holds ids, types and keys')
        this.#resident.add(id, type, key)
        return true
      },
      this.#resident.count,
      values,
    )
    return this.#complete || this.#resident.isFull
  }

  /** Forgets what was cached, for the tables may have changed underneath; all of it when ids may mean something else than before. */
  reload(renumbered: boolean): void {
    if (renumbered) this.#resident.clear()
    this.#ids.clear()
    this.#keys.clear()
    this.#types.clear()
    for (const [name, id] of allOnce(this.#database, `select name, id from ${typeTable}`)) {
      assert(typeof name === 'string' && typeof id === 'number', 'types have names and numbers')
      this.#types.set(name, id)
    }
    const [last] = at(allOnce(this.#database, `select coalesce(max(id), 0) from ${entityTable}`), 0)
    assert(typeof last === 'number', 'ids of interned values are exact')
    this.#nextId = last + 1
    this.#resident.truncate(last)
  }

  get #complete(): boolean {
    return this.#resident.count === this.#nextId - 1
  }

  /** The id, undefined when it is certain that there is none, null when the database has to be asked. */
  #find(type: number, key: string): number | undefined | null {
    const id = this.#resident.find(type, key)
    if (id > 0) return id
    return id === 0 && this.#complete && this.#resident.lossless ? undefined : null
  }

  #add(type: number, key: string): number {
    const id = this.#nextId
    const held = this.#complete && this.#resident.add(id, type, key)
    this.#nextId = id + 1
    return held ? id : this.#remember(type, key, id)
  }

  #addType(name: string): number {
    const id = this.#types.size + 1
    runOnce(this.#database, `insert into ${typeTable} (id, name) values (?, ?)`, id, name)
    this.#types.set(name, id)
    return id
  }

  #remember(type: number, key: string, id: number): number {
    this.#ids.set(type, key, id)
    this.#keys.set(ANY_TYPE, id, key)
    return id
  }
}

const encodeLiteral = (kind: 'integer' | 'boolean', id: string): Encoded => {
  if (kind === 'boolean') {
    assert(id === 'true' || id === 'false', `Boolean \`${id}\` is canonical`)
    return id === 'true' ? 1 : 0
  }
  if (id.length <= EXACT_DIGITS) return Number(id)
  const integer = BigInt(id)
  const number = Number(integer)
  return Number.isSafeInteger(number) ? number : integer
}
