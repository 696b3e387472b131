/** The thread that checks policies: started with the process and kept warm, with one scratch database. */
import { parentPort, workerData } from 'node:worker_threads'
import { storeFactory } from '../../snapshots/node/stores.ts'
import type { WasmModules } from '../../snapshots/pool.ts'
import { known } from '../../src/base/assert.ts'
import { checkPolicyText } from '../policy-check.ts'
import type { PolicyCheckRequest } from '../policy-checker.ts'

const port = known(parentPort, 'this file runs as a worker')
// The one cast: the parent sends exactly these modules.
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const createStore = storeFactory(workerData as WasmModules)
const clocks = { nowMs: () => Date.now(), monotonicMs: () => performance.now() }
let store = createStore()

const check = (request: PolicyCheckRequest): void => {
  try {
    port.postMessage({ report: checkPolicyText(request, { store, ...clocks }) })
    // Tables and names of one policy are of no use to the next.
    store.transaction(() => store.clear())
  } catch (error) {
    port.postMessage({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    // Whatever went wrong may have left the database half way.
    store = createStore()
  }
}

// The first policy of a process would otherwise pay for compiling this code.
checkPolicyText({ source: warmUp(), filename: null, runTests: true, failFast: false }, { store, ...clocks })
port.on('message', check)
port.postMessage({ ready: true })

function warmUp(): string {
  return `
actor User {}
resource Repository {
  roles = ["reader", "admin"];
  permissions = ["read", "delete"];
  "reader" if "admin";
  "read" if "reader";
  "delete" if "admin";
}
test "warm" {
  setup { has_role(User{"ann"}, "reader", Repository{"r"}); }
  assert allow(User{"ann"}, "read", Repository{"r"});
  assert_not allow(User{"ann"}, "delete", Repository{"r"});
  assert allow(User{"ann"}, what: String, Repository{"r"}) iff what in ["read"];
}`
}
