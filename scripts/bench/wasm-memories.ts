/** Counts the memories of wasm of an isolate for whoever looks at it from outside: its heap does not tell of them. */

/** What was let go counts until it is collected. */
const made: WeakRef<WebAssembly.Memory>[] = []

class CountedMemory extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor)
    made.push(new WeakRef(this))
  }
}

const bytes = (): number => made.reduce((sum, memory) => sum + (memory.deref()?.buffer.byteLength ?? 0), 0)

Object.assign(WebAssembly, { Memory: CountedMemory })
Object.assign(globalThis, { wasmBytes: bytes })
