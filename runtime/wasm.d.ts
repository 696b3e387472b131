/** A `.wasm` import is a compiled module: Workers forbid compiling at run time. On Node only bundlers and the tests' Worker project resolve it. */

declare module '*.wasm' {
  const module: WebAssembly.Module
  export default module
}
