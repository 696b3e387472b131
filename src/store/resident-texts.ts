/** The dictionary in flat arrays beside the database: what stands for a text, in a tenth of the time of a search in SQLite, at 30 to 50 bytes per text. */
import { assert, at } from '../base/assert.ts'

/** Units of longer texts are not held: they are searched in the database. */
const MAX_UNITS = 255
/** Tables by the upper bits of the hash: growing one of them holds up nobody (one table of a million slots takes 30 ms). */
const TABLE_BITS = 8
const FIRST_SLOTS = 8
/** A text whose place is further away is not held. Keys that were chosen to collide cost no more than this. */
const MAX_PROBES = 64
const SLOT_BYTES = 8
const PAGE_BITS = 16
const PAGE_BYTES = 1 << PAGE_BITS
const ID_BITS = 13
const PAGE_IDS = 1 << ID_BITS
/** Numbers per id. */
const FACTS = 3

/** Ids count from 1 without gaps: texts are added in order of id. */
export class ResidentTexts {
  readonly #maxBytes: number
  #tables: SlotTable[] = []
  #pages: Uint8Array[] = []
  /** Per id three numbers, side by side so that one look into memory gets them all: where its text starts (page and place in it), its units (0: not held), its type. */
  #facts: Uint32Array[] = []
  #count = 0
  #pageUsed = PAGE_BYTES
  #bytes = 0
  /** No text was left out for want of a near place or of room, so that what is not found here is nowhere. */
  #lossless = true

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
    this.clear()
  }

  /** The last id that was added. */
  get count(): number {
    return this.#count
  }

  /** Whether `find` can tell that a text has no id, as far as ids were added. */
  get lossless(): boolean {
    return this.#lossless
  }

  get sizeBytes(): number {
    return this.#bytes
  }

  clear(): void {
    // Most dictionaries are small: tables are made when something is put into them.
    this.#tables = Array.from({ length: 1 << TABLE_BITS }, () => noSlots)
    this.#pages = []
    this.#facts = []
    this.#count = 0
    this.#pageUsed = PAGE_BYTES
    this.#bytes = 0
    this.#lossless = true
  }

  /** The id of a text, 0 when none of the held ones is it, -1 for a text of a kind that is never held. */
  find(type: number, text: string): number {
    const hash = hashOf(type, text)
    if (hash === NOT_HELD) return -1
    const { slots, mask } = at(this.#tables, hash >>> (32 - TABLE_BITS))
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const slot = ((hash + probe) & mask) * 2
      const id = slots[slot] ?? 0
      if (id === 0) return 0
      if (slots[slot + 1] === (hash | 0) && this.#is(id, type, text)) return id
    }
    return 0
  }

  /** The text of an id, or undefined when it is not held. */
  text(id: number): string | undefined {
    if (id > this.#count) return undefined
    const { place, length } = this.#of(id)
    if (length === 0) return undefined
    const page = at(this.#pages, place >>> PAGE_BITS)
    let text = ''
    const start = place & (PAGE_BYTES - 1)
    for (let unit = start; unit < start + length; unit++) text += String.fromCharCode(page[unit] ?? 0)
    return text
  }

  /** Adds the next id; false when its text is not held. */
  add(id: number, type: number, text: string): boolean {
    assert(id === this.#count + 1, `text ${id} follows text ${this.#count}`)
    this.#count = id
    const index = ((id - 1) & (PAGE_IDS - 1)) * FACTS
    if (index === 0) {
      this.#facts.push(new Uint32Array(PAGE_IDS * FACTS))
      this.#bytes += PAGE_IDS * FACTS * 4
    }
    const hash = hashOf(type, text)
    if (hash === NOT_HELD) return false
    if (this.#bytes > this.#maxBytes) {
      this.#lossless = false
      return false
    }
    at(this.#facts, this.#facts.length - 1).set([this.#write(text), text.length, type], index)
    this.#place(id, hash)
    return true
  }

  /** Forgets every id above, after a rollback. */
  truncate(count: number): void {
    if (count >= this.#count) return
    const touched = new Set<number>()
    for (let id = count + 1; id <= this.#count; id++) {
      const hash = this.#hashAt(id)
      if (hash !== NOT_HELD) touched.add(hash >>> (32 - TABLE_BITS))
    }
    for (const table of touched) this.#rebuild(table, at(this.#tables, table).mask + 1, count)
    for (let id = count + 1; id <= this.#count; id++)
      this.#pageOf(id).fill(0, ((id - 1) & (PAGE_IDS - 1)) * FACTS, (((id - 1) & (PAGE_IDS - 1)) + 1) * FACTS)
    this.#facts.length = Math.ceil(count / PAGE_IDS)
    this.#count = count
  }

  #write(text: string): number {
    if (this.#pageUsed + text.length > PAGE_BYTES) {
      this.#pages.push(new Uint8Array(PAGE_BYTES))
      this.#bytes += PAGE_BYTES
      this.#pageUsed = 0
    }
    const page = at(this.#pages, this.#pages.length - 1)
    for (let unit = 0; unit < text.length; unit++) page[this.#pageUsed + unit] = text.charCodeAt(unit)
    const place = (this.#pages.length - 1) * PAGE_BYTES + this.#pageUsed
    this.#pageUsed += text.length
    return place
  }

  #place(id: number, hash: number): void {
    const number = hash >>> (32 - TABLE_BITS)
    const { used, mask } = at(this.#tables, number)
    if ((used + 1) * 2 > mask + 1) this.#rebuild(number, Math.max(FIRST_SLOTS, (mask + 1) * 2), id - 1)
    if (!insert(at(this.#tables, number), id, hash)) this.#lossless = false
  }

  /** Puts the ids of a table, up to one, into as many slots. */
  #rebuild(number: number, size: number, last: number): void {
    const before = at(this.#tables, number)
    const table = slotTable(size)
    this.#bytes += (size - before.mask - 1) * SLOT_BYTES
    for (let slot = 0; slot < before.slots.length; slot += 2) {
      const id = at(before.slots, slot)
      if (id !== 0 && id <= last && !insert(table, id, at(before.slots, slot + 1))) this.#lossless = false
    }
    this.#tables[number] = table
  }

  #hashAt(id: number): number {
    const { place, length, type } = this.#of(id)
    if (length === 0) return NOT_HELD
    const page = at(this.#pages, place >>> PAGE_BITS)
    const start = place & (PAGE_BYTES - 1)
    let hash = seedOf(type)
    for (let unit = start; unit < start + length; unit++) hash = Math.imul(hash ^ at(page, unit), PRIME)
    return mixed(hash)
  }

  #is(id: number, type: number, text: string): boolean {
    const facts = this.#pageOf(id)
    const index = ((id - 1) & (PAGE_IDS - 1)) * FACTS
    const { length } = text
    if (facts[index + 1] !== length || facts[index + 2] !== type) return false
    const place = facts[index] ?? 0
    const page = at(this.#pages, place >>> PAGE_BITS)
    const start = place & (PAGE_BYTES - 1)
    for (let unit = 0; unit < length; unit++) if (page[start + unit] !== text.charCodeAt(unit)) return false
    return true
  }

  #of(id: number): { readonly place: number; readonly length: number; readonly type: number } {
    const facts = this.#pageOf(id)
    const index = ((id - 1) & (PAGE_IDS - 1)) * FACTS
    return { place: at(facts, index), length: at(facts, index + 1), type: at(facts, index + 2) }
  }

  #pageOf(id: number): Uint32Array {
    return at(this.#facts, (id - 1) >>> ID_BITS)
  }
}

/** Open addressing: per slot an id (0: empty) and its hash. A power of two of slots, at most half of them used. */
interface SlotTable {
  readonly slots: Int32Array
  readonly mask: number
  used: number
}

const slotTable = (size: number): SlotTable => ({ slots: new Int32Array(size * 2), mask: size - 1, used: 0 })

const noSlots = slotTable(1)

/** False when every near slot is taken. */
const insert = (table: SlotTable, id: number, hash: number): boolean => {
  const { slots, mask } = table
  for (let probe = 0; probe < MAX_PROBES && probe <= mask; probe++) {
    const slot = ((hash + probe) & mask) * 2
    if (slots[slot] !== 0) continue
    slots[slot] = id
    slots[slot + 1] = hash
    table.used++
    return true
  }
  return false
}

const PRIME = 0x01000193
/** Not a 32-bit integer, so that it is no hash. */
const NOT_HELD = -1

const seedOf = (type: number): number => Math.imul(0x811c9dc5 ^ type, PRIME)

/** FNV-1a over the type and the units of a text of 1 to 255 units in ASCII, mixed so that upper and lower bits both depend on all; NOT_HELD for others. */
const hashOf = (type: number, text: string): number => {
  const { length } = text
  if (length === 0 || length > MAX_UNITS) return NOT_HELD
  let hash = seedOf(type)
  for (let index = 0; index < length; index++) {
    const unit = text.charCodeAt(index)
    if (unit > 127) return NOT_HELD
    hash = Math.imul(hash ^ unit, PRIME)
  }
  return mixed(hash)
}

/** Finaliser of MurmurHash3, as an unsigned integer. */
const mixed = (hash: number): number => {
  let bits = hash ^ (hash >>> 16)
  bits = Math.imul(bits, 0x85ebca6b)
  bits ^= bits >>> 13
  bits = Math.imul(bits, 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
