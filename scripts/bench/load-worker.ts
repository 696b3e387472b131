/** The load: a thread of its own that keeps plain connections busy, one request at a time on each. */
import { parentPort, workerData } from 'node:worker_threads'
import { assert, at, known } from '../../src/base/assert.ts'
import { Connection, requestBytes } from './connection.ts'
import type { LoadRequest, LoadResult, LoadTarget } from './load.ts'

const port = known(parentPort, 'the load runs in a worker')
const { port: serverPort, key } = workerData as LoadTarget
const open: Connection[] = []

const run = async ({ path, connections, exchanges }: LoadRequest): Promise<LoadResult> => {
  while (open.length < connections) open.push(await Connection.open({ port: serverPort }))
  const requests = exchanges.map(({ body }) => requestBytes({ path, key, body }))
  const latenciesMs = new Float64Array(exchanges.length)
  let next = 0
  let wrong = 0
  const serve = async (connection: Connection): Promise<void> => {
    while (next < requests.length) {
      const index = next++
      const start = performance.now()
      const { status, body } = await connection.exchange(at(requests, index))
      latenciesMs[index] = performance.now() - start
      assert(status === 200, `the server answers 200, found ${status} ${body}`)
      const { answer } = at(exchanges, index)
      if (answer !== null && body !== answer) wrong += 1
    }
  }
  const start = performance.now()
  await Promise.all(open.slice(0, connections).map(serve))
  return { seconds: (performance.now() - start) / 1000, latenciesMs: [...latenciesMs], wrong }
}

port.on('message', (request: LoadRequest | null) => {
  if (request === null) {
    for (const connection of open) connection.close()
    port.close()
    return
  }
  void run(request).then(
    (result) => port.postMessage(result),
    (error: unknown) => port.postMessage({ failed: String(error) }),
  )
})
