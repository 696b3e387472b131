/** The load: a thread of its own that keeps plain connections busy, one request at a time on each. */
import { connect, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { assert, at, known } from '../../src/base/assert.ts'
import type { LoadRequest, LoadResult, LoadTarget } from './load.ts'

const port = known(parentPort, 'the load runs in a worker')
const { port: serverPort, key } = workerData as LoadTarget
const sockets: Socket[] = []

const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: serverPort, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })

const textOf = (path: string, body: string): Buffer =>
  Buffer.from(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )

/** The body of a complete response at the start of the text, or null when more must arrive. */
const bodyOf = (text: string): string | null => {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return null
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, end))?.[1]
  assert(length !== undefined, `a response says how long it is: ${text}`)
  assert(text.startsWith('HTTP/1.1 200 '), `the server answers 200, found ${text}`)
  const body = text.slice(end + 4)
  return body.length < Number(length) ? null : body
}

/** Sends one text and resolves with the body of the answer. */
const exchange = (socket: Socket, request: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    const done = (finish: () => void): void => {
      socket.off('data', onData)
      socket.off('close', onClose)
      finish()
    }
    const onData = (chunk: Buffer): void => {
      try {
        text += chunk.toString('latin1')
        const body = bodyOf(text)
        if (body !== null) done(() => resolve(body))
      } catch (error) {
        done(() => reject(error instanceof Error ? error : new Error(String(error))))
      }
    }
    const onClose = (): void => done(() => reject(new Error('the server closed the connection')))
    socket.on('data', onData)
    socket.on('close', onClose)
    socket.write(request)
  })

const run = async ({ path, connections, exchanges }: LoadRequest): Promise<LoadResult> => {
  while (sockets.length < connections) sockets.push(await open())
  const requests = exchanges.map(({ body }) => textOf(path, body))
  const latenciesMs = new Float64Array(exchanges.length)
  let next = 0
  let wrong = 0
  const serve = async (socket: Socket): Promise<void> => {
    while (next < requests.length) {
      const index = next++
      const start = performance.now()
      const body = await exchange(socket, at(requests, index))
      latenciesMs[index] = performance.now() - start
      const { answer } = at(exchanges, index)
      if (answer !== null && body !== answer) wrong += 1
    }
  }
  const start = performance.now()
  await Promise.all(sockets.slice(0, connections).map(serve))
  return { seconds: (performance.now() - start) / 1000, latenciesMs: [...latenciesMs], wrong }
}

port.on('message', (request: LoadRequest | null) => {
  if (request === null) {
    for (const socket of sockets) socket.destroy()
    port.close()
    return
  }
  void run(request).then(
    (result) => port.postMessage(result),
    (error: unknown) => port.postMessage({ failed: String(error) }),
  )
})
