/** Objects behind web servers of several habits. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { httpObjectStore } from '../../snapshots/http-store.ts'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { objectBytes } from '../../snapshots/object-bytes.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import { contentOf, noise, objectStoreConformance, refusal } from './object-store-conformance.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, bytes: Uint8Array | null) => void

interface WebServer {
  readonly url: string
  readonly requests: IncomingMessage[]
  readonly close: () => Promise<void>
}

const serve = async (objects: ObjectStore, answer: Answer): Promise<WebServer> => {
  const requests: IncomingMessage[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    requests.push(request)
    const path = decodeURIComponent((request.url ?? '').replace('/objects/', ''))
    answer(request, response, await contentOf(objects, path).catch(() => null))
  }
  const server: Server = createServer((request, response) => {
    void handle(request, response)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a port was expected')
  return {
    url: `http://127.0.0.1:${address.port}/objects`,
    requests,
    close: async () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const tagOf = (bytes: Uint8Array): string => `"${createHash('md5').update(bytes).digest('hex')}"`

const withTags: Answer = (request, response, bytes) => {
  if (bytes === null) response.writeHead(404).end('not found')
  else if (request.headers['if-none-match'] === tagOf(bytes)) response.writeHead(304).end()
  else response.writeHead(200, { etag: tagOf(bytes), 'content-length': bytes.length }).end(bytes)
}

/** As one over files: the tag is a time in seconds and a size. */
const withPoorTags: Answer = (request, response, bytes) => {
  const seconds = Math.floor(Date.now() / 1000)
  const tag = `"${seconds}-${bytes?.length}"`
  if (bytes === null) response.writeHead(404).end()
  else if (request.headers['if-none-match'] === tag) response.writeHead(304).end()
  else response.writeHead(200, { etag: tag, 'last-modified': new Date(seconds * 1000).toUTCString() }).end(bytes)
}

const plain: Answer = (_request, response, bytes) => {
  response.writeHead(bytes === null ? 404 : 200)
  response.end(bytes ?? undefined)
}

const readOnly = 'a web server is only read'
for (const [name, answer] of Object.entries({ 'with tags': withTags, 'with poor tags': withPoorTags, 'without tags or sizes': plain }))
  objectStoreConformance(
    `web server ${name}`,
    async () => {
      const objects = memoryObjectStore()
      const server = await serve(objects, answer)
      return { store: httpObjectStore({ url: server.url }), writer: objects, end: server.close }
    },
    { conditions: readOnly, list: readOnly, torn: readOnly, checksum: readOnly, oneWinner: readOnly },
  )

const opened = async (answer: Answer, timeoutMs?: number): Promise<{ server: WebServer; store: ObjectStore; objects: ObjectStore }> => {
  const objects = memoryObjectStore()
  const server = await serve(objects, answer)
  onTestFinished(server.close)
  const store = httpObjectStore({ url: `${server.url}/`, secret: 's3cret', ...(timeoutMs === undefined ? {} : { timeoutMs }) })
  return { server, store, objects }
}

test('a web server takes no writes and lists nothing', async () => {
  const { store, server } = await opened(plain)
  expect(await refusal(store.put('a', new Uint8Array(1)))).toBe('read-only')
  expect(await refusal(store.list(''))).toBe('read-only')
  expect(await refusal(store.delete('a'))).toBe('read-only')
  expect(server.requests).toEqual([])
})

test('the secret and the tag go with each request, the stored bytes are asked for', async () => {
  const { store, server, objects } = await opened(withTags)
  await objects.put('a/b c', new Uint8Array(3))
  const object = await store.get('a/b c')
  if (object === null || object === 'unchanged') throw new Error('it is there')
  await objectBytes('a/b c', object, 3)
  expect(await store.get('a/b c', { unless: object.version })).toBe('unchanged')
  expect(server.requests.map(({ url }) => url)).toEqual(['/objects/a/b%20c', '/objects/a/b%20c'])
  for (const { headers } of server.requests)
    expect(headers).toMatchObject({ authorization: 'Bearer s3cret', 'accept-encoding': 'identity' })
  expect(server.requests[1]?.headers['if-none-match']).toBe(tagOf(new Uint8Array(3)))
})

test('a refused secret is no missing object', async () => {
  for (const status of [401, 403]) {
    const { store } = await opened((_request, response) => response.writeHead(status).end())
    expect(await refusal(store.get('a'))).toBe('denied')
  }
})

test('a failing server is asked again, a few times', async () => {
  let failures = 2
  const { store, server, objects } = await opened((request, response, bytes) => {
    if (failures-- > 0) response.writeHead(503).end()
    else withTags(request, response, bytes)
  })
  await objects.put('a', new Uint8Array(5))
  expect((await contentOf(store, 'a'))?.length).toBe(5)
  failures = 1000
  const before = server.requests.length
  expect(await refusal(store.get('a'))).toBe('unavailable')
  expect(server.requests.length).toBe(before + 3)
})

test('a server that is not there, or does not answer, is unavailable', async () => {
  const { store, server } = await opened(() => undefined, 50)
  const silent = await store.get('a').catch((error: unknown) => error)
  expect(silent).toBeInstanceOf(StoreError)
  expect(silent).toMatchObject({ code: 'unavailable', message: expect.stringContaining('no answer for 50 ms; recovery is automatic') })
  await server.close()
  expect(await refusal(store.get('a'))).toBe('unavailable')
})

test('a transfer that stops, ends early or is cut is told so', async () => {
  const bytes = noise(1_000_000)
  const wrong: readonly Answer[] = [
    // It stops.
    (_request, response) => void response.writeHead(200, { etag: '"x"', 'content-length': bytes.length }).write(bytes.subarray(0, 500_000)),
    // The connection is cut.
    (_request, response) =>
      void response
        .writeHead(200, { etag: '"x"', 'content-length': bytes.length })
        .write(bytes.subarray(0, 500_000), () => response.destroy()),
    (_request, response) => void response.writeHead(200, { etag: '"x"' }).write(bytes.subarray(0, 500_000), () => response.destroy()),
  ]
  for (const answer of wrong) {
    const { store } = await opened(answer, 300)
    const object = await store.get('a')
    if (object === null || object === 'unchanged') throw new Error('it is there')
    expect(await refusal(objectBytes('a', object, bytes.length))).toBe('unavailable')
  }
})

test('an object that nobody reads gives its connection back', async () => {
  const { store, objects, server } = await opened(withTags, 100)
  await objects.put('a', noise(4_000_000))
  const object = await store.get('a')
  if (object === null || object === 'unchanged') throw new Error('it is there')
  await new Promise<void>((resolve) => {
    server.requests[0]?.socket.once('close', () => resolve())
  })
  expect(await refusal(objectBytes('a', object, 4_000_000))).toBe('unavailable')
})

test('a packed object that a server would unpack is refused', async () => {
  const { store, objects } = await opened((_request, response, bytes) => {
    response.writeHead(200, { etag: '"x"', 'content-encoding': 'gzip' }).end(bytes)
  })
  await objects.put('a.sqlite.gz', new Uint8Array(3))
  const failure = await store.get('a.sqlite.gz').catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'denied', message: expect.stringContaining('turn that off') })
})

test('passwords of an address are not shown', () => {
  expect(httpObjectStore({ url: 'https://user:secret@example.com/x' }).name).toBe('web server https://example.com/x')
})
