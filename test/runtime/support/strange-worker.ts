/** A policy worker that hangs, crashes or fails as the policy text says. */
import { parentPort } from 'node:worker_threads'

parentPort?.on('message', ({ source }: { readonly source: string }) => {
  if (source === 'hang') for (;;);
  if (source === 'crash') process.exit(1)
  if (source === 'fail') parentPort?.postMessage({ failure: 'told to' })
  else parentPort?.postMessage({ report: { kind: 'checked', warnings: [], tests: null, metadata: {} } })
})
parentPort?.postMessage({ ready: true })
