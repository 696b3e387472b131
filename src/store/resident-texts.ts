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
/** In front of a text: its units, its id and its type, side by side with it so that one look into memory gets them all. */
const HEADER_BYTES = 9

/** Ids count from 1 without gaps: texts are added in order of id. */
export class ResidentTexts {
  readonly #maxBytes: number
  #tables: SlotTable[] = []
  #pages: Uint8Array[] = []
  /** Per id where its text is (page and place in it), counted from 1; 0: not held. */
  #places: Int32Array[] = []
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

  /** Nothing that is added is held any more. */
  get isFull(): boolean {
    return this.#bytes > this.#maxBytes
  }

  clear(): void {
    // Most dictionaries are small: tables are made when something is put into them.
    this.#tables = Array.from({ length: 1 << TABLE_BITS }, () => noSlots)
    this.#pages = []
    this.#places = []
    this.#count = 0
    this.#pageUsed = PAGE_BYTES
    this.#bytes = 0
    this.#lossless = true
  }

  /** The id of a text, 0 when none of the held ones is it, -1 for a text of a kind that is never held. */
  find(type: number, text: string): number {
    const hash = hashOf(type, text)
    if (hash === NOT_HELD) return -1
    // Indexed plainly: `at` serves arrays of every kind, which makes it slow.
    const { slots, mask } = this.#tables[hash >>> (32 - TABLE_BITS)] ?? noSlots
    for (let probe = 0; probe < MAX_PROBES; probe++) {
      const slot = ((hash + probe) & mask) * 2
      const place = slots[slot] ?? 0
      if (place === 0) return 0
      if (slots[slot + 1] !== (hash | 0)) continue
      const id = this.#idAt(place, type, text)
      if (id !== 0) return id
    }
    return 0
  }

  /** The text of an id, or undefined when it is not held. */
  text(id: number): string | undefined {
    const place = id > this.#count ? 0 : this.#placeOf(id)
    if (place === 0) return undefined
    const { page, start, length } = this.#look(place)
    let text = ''
    for (let unit = start; unit < start + length; unit++) text += String.fromCharCode(page[unit] ?? 0)
    return text
  }

  /** Adds the next id; false when its text is not held. */
  add(id: number, type: number, text: string): boolean {
    assert(id === this.#count + 1, `text ${id} follows text ${this.#count}`)
    this.#count = id
    const index = (id - 1) & (PAGE_IDS - 1)
    if (index === 0) {
      this.#places.push(new Int32Array(PAGE_IDS))
      this.#bytes += PAGE_IDS * 4
    }
    const hash = hashOf(type, text)
    if (hash === NOT_HELD) return false
    if (this.isFull) {
      this.#lossless = false
      return false
    }
    const place = this.#write(id, type, text)
    at(this.#places, this.#places.length - 1)[index] = place
    this.#insert(place, hash)
    return true
  }

  /** Forgets every id above, after a rollback. */
  truncate(count: number): void {
    if (count >= this.#count) return
    const touched = new Set<number>()
    for (let id = count + 1; id <= this.#count; id++) {
      const place = this.#placeOf(id)
      if (place !== 0) touched.add(this.#hashAt(place) >>> (32 - TABLE_BITS))
    }
    for (const table of touched) this.#rebuild(table, at(this.#tables, table).mask + 1, (place) => this.#look(place).id <= count)
    for (let id = count + 1; id <= this.#count; id++) at(this.#places, (id - 1) >>> ID_BITS)[(id - 1) & (PAGE_IDS - 1)] = 0
    this.#places.length = Math.ceil(count / PAGE_IDS)
    this.#count = count
  }

  /** Its place, counted from 1. */
  #write(id: number, type: number, text: string): number {
    const size = HEADER_BYTES + text.length
    if (this.#pageUsed + size > PAGE_BYTES) {
      this.#pages.push(new Uint8Array(PAGE_BYTES))
      this.#bytes += PAGE_BYTES
      this.#pageUsed = 0
    }
    const page = at(this.#pages, this.#pages.length - 1)
    const start = this.#pageUsed
    page[start] = text.length
    writeNumber(page, start + 1, id)
    writeNumber(page, start + 5, type)
    for (let unit = 0; unit < text.length; unit++) page[start + HEADER_BYTES + unit] = text.charCodeAt(unit)
    this.#pageUsed += size
    return (this.#pages.length - 1) * PAGE_BYTES + start + 1
  }

  #insert(place: number, hash: number): void {
    const number = hash >>> (32 - TABLE_BITS)
    const { used, mask } = at(this.#tables, number)
    if ((used + 1) * 2 > mask + 1) this.#rebuild(number, Math.max(FIRST_SLOTS, (mask + 1) * 2), () => true)
    if (!insert(at(this.#tables, number), place, hash)) this.#lossless = false
  }

  /** Puts the texts of a table that are kept into as many slots. */
  #rebuild(number: number, size: number, keeps: (place: number) => boolean): void {
    const before = at(this.#tables, number)
    const table = slotTable(size)
    this.#bytes += (size - before.mask - 1) * SLOT_BYTES
    for (let slot = 0; slot < before.slots.length; slot += 2) {
      const place = at(before.slots, slot)
      if (place !== 0 && keeps(place) && !insert(table, place, at(before.slots, slot + 1))) this.#lossless = false
    }
    this.#tables[number] = table
  }

  #hashAt(place: number): number {
    const { page, start, length, type } = this.#look(place)
    let hash = seedOf(type)
    for (let unit = start; unit < start + length; unit++) hash = Math.imul(hash ^ at(page, unit), PRIME)
    return mixed(hash)
  }

  /** The id of the text at a place, 0 when it is another one. */
  #idAt(place: number, type: number, text: string): number {
    const page = this.#pages[(place - 1) >>> PAGE_BITS]
    const header = (place - 1) & (PAGE_BYTES - 1)
    const { length } = text
    if (page === undefined || page[header] !== length || readNumber(page, header + 5) !== type) return 0
    const start = header + HEADER_BYTES
    for (let unit = 0; unit < length; unit++) if (page[start + unit] !== text.charCodeAt(unit)) return 0
    return readNumber(page, header + 1)
  }

  #look(place: number): {
    readonly page: Uint8Array
    readonly start: number
    readonly length: number
    readonly id: number
    readonly type: number
  } {
    const page = at(this.#pages, (place - 1) >>> PAGE_BITS)
    const header = (place - 1) & (PAGE_BYTES - 1)
    return {
      page,
      start: header + HEADER_BYTES,
      length: page[header] ?? 0,
      id: readNumber(page, header + 1),
      type: readNumber(page, header + 5),
    }
  }

  #placeOf(id: number): number {
    return at(this.#places, (id - 1) >>> ID_BITS)[(id - 1) & (PAGE_IDS - 1)] ?? 0
  }
}

const writeNumber = (page: Uint8Array, start: number, value: number): void => {
  for (let byte = 0; byte < 4; byte++) page[start + byte] = value >>> (8 * byte)
}

const readNumber = (page: Uint8Array, start: number): number =>
  (page[start] ?? 0) | ((page[start + 1] ?? 0) << 8) | ((page[start + 2] ?? 0) << 16) | ((page[start + 3] ?? 0) << 24)

/** Open addressing: per slot the place of a text (0: empty) and its hash. A power of two of slots, at most half of them used. */
interface SlotTable {
  readonly slots: Int32Array
  readonly mask: number
  used: number
}

const slotTable = (size: number): SlotTable => ({ slots: new Int32Array(size * 2), mask: size - 1, used: 0 })

const noSlots = slotTable(1)

/** False when every near slot is taken. */
const insert = (table: SlotTable, place: number, hash: number): boolean => {
  const { slots, mask } = table
  for (let probe = 0; probe < MAX_PROBES && probe <= mask; probe++) {
    const slot = ((hash + probe) & mask) * 2
    if (slots[slot] !== 0) continue
    slots[slot] = place
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
