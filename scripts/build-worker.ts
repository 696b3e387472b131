/** What wrangler runs before it takes the Worker: bundles it into `.wrangler/worker`. */
import { fileURLToPath } from 'node:url'
import { bundleWorker } from './worker/bundle.ts'

await bundleWorker(fileURLToPath(new URL('../.wrangler/worker', import.meta.url)))
