/** The only globals beyond the language that `src` may use: exactly the members in use, as Node, Workers and browsers all have them. */

declare namespace WebAssembly {
  interface ModuleImportDescriptor {
    readonly module: string
    readonly name: string
    readonly kind: 'function' | 'global' | 'memory' | 'table' | 'tag'
  }

  class Module {
    static imports(module: Module): ModuleImportDescriptor[]
    private constructor()
    private readonly compiled: true
  }

  interface MemoryDescriptor {
    readonly initial: number
    readonly maximum?: number
  }

  class Memory {
    constructor(descriptor: MemoryDescriptor)
    readonly buffer: ArrayBuffer
    /** Grows by `pages` of 64 KiB, detaches earlier buffers, returns the size before in pages; throws over the maximum. */
    grow(pages: number): number
  }

  type ImportValue = ((...args: never[]) => unknown) | Memory | Table | number

  class Table {
    readonly length: number
    get(index: number): unknown
    set(index: number, value: unknown): void
    /** Grows by `count` entries, returns the length before. */
    grow(count: number): number
    private constructor()
  }

  type Imports = Record<string, Record<string, ImportValue>>

  class Instance {
    constructor(module: Module, imports?: Imports)
    readonly exports: Record<string, unknown>
  }
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, target: Uint8Array): { read: number; written: number }
}

declare class TextDecoder {
  constructor(label?: string, options?: { readonly fatal?: boolean; readonly ignoreBOM?: boolean })
  decode(bytes?: Uint8Array): string
}
