/** Takes out of a wasm module what none of the wanted exports leads to, so that a bundle of it is smaller. */
import { assert, at } from '../../src/base/assert.ts'

/** https://webassembly.github.io/spec/core/binary/modules.html */
const SECTIONS = { imports: 2, exports: 7, start: 8, elements: 9, code: 10 } as const
/** No locals, `unreachable`, `end`. */
const TRAP = [3, 0, 0, 0x0b]

interface Section {
  readonly id: number
  readonly start: number
  readonly end: number
}

export interface Trimmed {
  readonly exports: ReadonlySet<string>
  /** What the imported memory has at least. Whoever asks for less than static data and stack take makes a module that does not start. */
  readonly memoryBytes: number
}

/** The module with these exports only: the bodies of functions that nothing calls become a trap, and numbers stay what they are, so that all that is kept is kept
 * byte by byte. Throws Bug for what this does not know: it was written for one module. */
export const trimWasm = (given: Uint8Array, wanted: Trimmed): Uint8Array => {
  const bytes = new Uint8Array(given)
  const sections = sectionsOf(bytes)
  const reader = (id: number): WasmReader =>
    new WasmReader(
      bytes,
      at(
        sections.filter((section) => section.id === id),
        0,
      ),
    )
  const { functions: imported, memoryAt } = importsOf(reader(SECTIONS.imports))
  const exports = exportsOf(reader(SECTIONS.exports)).filter(({ name }) => wanted.exports.has(name))
  const bodies = bodiesOf(reader(SECTIONS.code))
  const called = exports.flatMap(({ kind, index }) => (kind === 0 ? [index] : []))
  const roots = [...called, reader(SECTIONS.start).unsigned(), ...tableFunctions(reader(SECTIONS.elements))]
  const live = reachable(roots, (index) => (index < imported ? [] : calledIn(bytes, at(bodies, index - imported))))
  setMemory(bytes, memoryAt, wanted.memoryBytes)
  const parts = sections.map(({ id, start, end }) => {
    if (id === SECTIONS.exports) return section(id, vector(exports.map(({ start: from, end: to }) => bytes.subarray(from, to))))
    if (id !== SECTIONS.code) return [id, ...unsigned(end - start), ...bytes.subarray(start, end)]
    return section(
      id,
      vector(bodies.map((body, index) => (live.has(index + imported) ? withSize(bytes.subarray(body.start, body.end)) : TRAP))),
    )
  })
  return Uint8Array.from([...bytes.subarray(0, 8), ...parts.flat()])
}

class WasmReader {
  readonly bytes: Uint8Array
  readonly end: number
  place: number

  constructor(bytes: Uint8Array, { start, end }: Pick<Section, 'start' | 'end'>) {
    this.bytes = bytes
    this.place = start
    this.end = end
  }

  byte(): number {
    return at(this.bytes, this.place++)
  }

  skip(bytes: number): void {
    this.place += bytes
  }

  unsigned(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte()
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }

  /** An integer whose value does not matter. */
  skipInteger(): void {
    while (this.byte() >= 128);
  }

  name(): string {
    const length = this.unsigned()
    const start = this.place
    this.skip(length)
    return new TextDecoder().decode(this.bytes.subarray(start, this.place))
  }
}

const sectionsOf = (bytes: Uint8Array): readonly Section[] => {
  const reader = new WasmReader(bytes, { start: 8, end: bytes.length })
  const found: Section[] = []
  while (reader.place < reader.end) {
    const id = reader.byte()
    const size = reader.unsigned()
    found.push({ id, start: reader.place, end: reader.place + size })
    reader.skip(size)
  }
  return found
}

/** How many functions there are, and where the limits of the memory stand. */
const importsOf = (reader: WasmReader): { readonly functions: number; readonly memoryAt: number } => {
  let functions = 0
  let memoryAt = 0
  for (let left = reader.unsigned(); left > 0; left--) {
    reader.name()
    reader.name()
    const kind = reader.byte()
    assert(kind === 0 || kind === 2, `an import of kind ${kind}`)
    if (kind === 0) {
      functions++
      reader.skipInteger()
    } else {
      memoryAt = reader.place
      skipLimits(reader)
    }
  }
  return { functions, memoryAt }
}

const skipLimits = (reader: WasmReader): void => {
  const flags = reader.byte()
  reader.skipInteger()
  if ((flags & 1) === 1) reader.skipInteger()
}

const PAGE_BYTES = 65_536

/** Writes the least pages in as many bytes as were there, so that nothing behind them moves. */
const setMemory = (bytes: Uint8Array, memoryAt: number, memoryBytes: number): void => {
  const start = memoryAt + 1
  const pages = memoryBytes / PAGE_BYTES
  assert(at(bytes, start) >= 128 && at(bytes, start + 1) < 128 && pages < 1 << 14, 'the least pages are a number of two bytes')
  bytes.set([(pages & 127) | 128, pages >>> 7], start)
}

interface Export {
  readonly name: string
  readonly kind: number
  readonly index: number
  readonly start: number
  readonly end: number
}

const exportsOf = (reader: WasmReader): readonly Export[] =>
  Array.from({ length: reader.unsigned() }, () => {
    const start = reader.place
    const [name, kind, index] = [reader.name(), reader.byte(), reader.unsigned()]
    return { name, kind, index, start, end: reader.place }
  })

/** Whatever is in a table may be called by its number there. */
const tableFunctions = (reader: WasmReader): readonly number[] => {
  const found: number[] = []
  for (let left = reader.unsigned(); left > 0; left--) {
    const [flags, offset] = [reader.unsigned(), reader.byte()]
    assert(flags === 0 && offset === OP.i32Const, `an element segment of kind ${flags}`)
    reader.skipInteger()
    reader.skip(1)
    for (let functions = reader.unsigned(); functions > 0; functions--) found.push(reader.unsigned())
  }
  return found
}

type Body = Pick<Section, 'start' | 'end'>

const bodiesOf = (reader: WasmReader): readonly Body[] =>
  Array.from({ length: reader.unsigned() }, () => {
    const size = reader.unsigned()
    const start = reader.place
    reader.skip(size)
    return { start, end: reader.place }
  })

const OP = { call: 0x10, i32Const: 0x41 } as const

/** https://webassembly.github.io/spec/core/binary/instructions.html: what follows each instruction. */
const calledIn = (bytes: Uint8Array, body: Body): readonly number[] => {
  const reader = new WasmReader(bytes, body)
  const found: number[] = []
  for (let groups = reader.unsigned(); groups > 0; groups--) {
    reader.skipInteger()
    reader.skip(1)
  }
  while (reader.place < reader.end) {
    const code = reader.byte()
    if (code === OP.call) found.push(reader.unsigned())
    else skipOperands(reader, code)
  }
  assert(reader.place === reader.end, 'an instruction that goes on behind its function')
  return found
}

const skipOperands = (reader: WasmReader, code: number): void => {
  const integers = integersOf(code)
  if (code === 0x0e) for (let left = reader.unsigned() + 1; left > 0; left--) reader.skipInteger()
  else if (code === 0x43 || code === 0x44) reader.skip(code === 0x43 ? 4 : 8)
  else if (code === 0xfc) skipLongOperands(reader)
  else for (let left = integers; left > 0; left--) reader.skipInteger()
}

/** Integers behind an instruction: of blocks and branches, calls through a table, variables, memory accesses, memory sizes, constants. */
const integersOf = (code: number): number => {
  if (code <= 0x01 || code === 0x05 || code === 0x0b || code === 0x0f || code === 0x1a || code === 0x1b) return 0
  if ((code >= 0x02 && code <= 0x04) || code === 0x0c || code === 0x0d || code === 0x0e) return 1
  if (code === 0x11 || (code >= 0x28 && code <= 0x3e)) return 2
  if ((code >= 0x20 && code <= 0x24) || (code >= 0x3f && code <= 0x42)) return 1
  assert((code >= 0x43 && code <= 0xc4) || code === 0xfc, `instruction ${code}`)
  return 0
}

const skipLongOperands = (reader: WasmReader): void => {
  const code = reader.unsigned()
  assert(code <= 7 || code === 10 || code === 11, `instruction 252 ${code}`)
  reader.skip(code === 10 ? 2 : code === 11 ? 1 : 0)
}

const reachable = (roots: readonly number[], calls: (index: number) => readonly number[]): ReadonlySet<number> => {
  const live = new Set<number>()
  const open = [...roots]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (live.has(next)) continue
    live.add(next)
    open.push(...calls(next))
  }
  return live
}

const section = (id: number, content: readonly number[]): readonly number[] => [id, ...unsigned(content.length), ...content]

const vector = (items: readonly (Uint8Array | readonly number[])[]): readonly number[] => {
  const content = unsigned(items.length)
  for (const item of items) for (const byte of item) content.push(byte)
  return content
}

const withSize = (bytes: Uint8Array): readonly number[] => [...unsigned(bytes.length), ...bytes]

const unsigned = (value: number): number[] => {
  const bytes: number[] = []
  let left = value
  do {
    bytes.push((left & 127) | (left > 127 ? 128 : 0))
    left = Math.floor(left / 128)
  } while (left > 0)
  return bytes
}
