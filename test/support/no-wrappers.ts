/** Before any test: no thread of this process gets better code for JavaScript functions that wasm calls often. */
import v8 from 'node:v8'

/**
 * Such code is shared by all threads (V8 13.6). One that takes it from the cache in the instant in which another frees it frees it a second time,
 * and the process ends: "Check failed: jit_page_->allocations_.erase(addr) == 1". Here hundreds of threads with SQLite and fetch begin and end.
 * The calls are not slower without it.
 */
export default (): void => v8.setFlagsFromString('--wasm-wrapper-tiering-budget=2000000000')
