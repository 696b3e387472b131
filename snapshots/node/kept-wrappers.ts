/** Keeps the code by which wasm calls our functions: V8 13.6 may free it while another database takes it. */

/**
 * Calls each of them 2000 times when it starts; V8 compiles a wrapper behind 1000 calls.
 *
 *     (module
 *       (import "e" "f" (func $f (param i32) (result i32)))
 *       (import "e" "g" (func $g (param i32 i32 i32)))
 *       (import "e" "h" (func $h (param i32) (result i32)))
 *       (func $run (local $left i32)
 *         (local.set $left (i32.const 2000))
 *         (loop
 *           (drop (call $f (i32.const 0)))
 *           (call $g (i32.const 0) (i32.const 0) (i32.const 0))
 *           (drop (call $h (i32.const 0)))
 *           (br_if 0 (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
 *       (start $run))
 */
const caller = [
  '0061736d01000000',
  '010f 03 60017f017f 60037f7f7f00 600000',
  '0213 03 0165016600 00 0165016700 01 0165016800 00',
  '0302 01 02',
  '0801 03',
  '0a29 01 27 01017f 41d00f2100 0340 410010001a 4100410041001001 410010021a 200041016b22000d00 0b 0b',
]

/** Wrappers differ by what a function takes: each is of the kind of one that SQLite calls. */
const called: WebAssembly.ModuleImports = {
  /** `Callbacks.progress`. */
  f: () => 0,
  /** `Callbacks.remembered`. */
  g: (_context: number, _count: number, _values: number) => undefined,
  /** `emscripten_resize_heap`, of a database that grows by some hundred megabytes. */
  h: (_bytes: number) => 0,
}

let kept: WebAssembly.Instance | null = null

/**
 * A wrapper is shared by all databases and threads of a process. When the last database that uses it is forgotten in the instant in which another one
 * takes it, it is freed twice and the process ends: "Check failed: jit_page_->allocations_.erase(addr) == 1". Here they are taken by an instance that
 * stays, before any database does.
 */
export const keepWrappers = (): void => {
  if (kept !== null) return
  const module = new WebAssembly.Module(Buffer.from(caller.join('').replaceAll(' ', ''), 'hex'))
  kept = new WebAssembly.Instance(module, { e: called })
}
