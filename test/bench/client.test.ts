/** The client of the bench against a server of its own. */
import { createServer, type RequestListener } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { Client } from '../../scripts/bench/client.ts'
import { headerOf } from '../../scripts/bench/connection.ts'

const serving = async (listener: RequestListener): Promise<Client> => {
  const server = createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const client = new Client({ port: typeof address === 'object' && address !== null ? address.port : 0 }, 'the key')
  onTestFinished(async () => {
    client.close()
    server.closeAllConnections()
    await new Promise((resolve) => {
      server.close(resolve)
    })
  })
  return client
}

const reply =
  (body: string): RequestListener =>
  (_request, response) => {
    response.writeHead(200, { 'Content-Length': Buffer.byteLength(body), OsoOffset: 'log.env:7' })
    response.end(body)
  }

test('sends its key and a token, and tells body and headers of the answer', async () => {
  const client = await serving((request, response) => {
    const { authorization, osooffset } = request.headers
    reply(JSON.stringify([request.method, request.url, authorization, osooffset]))(request, response)
  })
  const answer = await client.ask({ path: '/a', body: '{}', token: 'log.env:6' })
  expect(JSON.parse(answer.body)).toEqual(['POST', '/a', 'Bearer the key', 'log.env:6'])
  expect([headerOf(answer, 'OsoOffset'), headerOf(answer, 'Arctos-Applied')]).toEqual(['log.env:7', null])
  expect(JSON.parse((await client.ask({ path: '/b', body: null })).body)).toEqual(['GET', '/b', 'Bearer the key', null])
})

test('uses a connection again, and another one when the server has closed it', async () => {
  const ports = new Set<number>()
  const client = await serving((request, response) => {
    ports.add(request.socket.remotePort ?? 0)
    if (request.url === '/last') response.setHeader('Connection', 'close')
    reply('yes')(request, response)
  })
  for (const path of ['/1', '/2', '/last']) await client.ask({ path, body: null })
  expect(ports.size).toBe(1)
  expect((await client.ask({ path: '/3', body: null })).body).toBe('yes')
  expect(ports.size).toBe(2)
})

test('what must succeed and does not is told', async () => {
  const client = await serving((_request, response) => {
    response.writeHead(503, { 'Content-Length': 8 })
    response.end('too busy')
  })
  await expect(client.ask({ path: '/a', body: '{}' })).rejects.toThrow('/a is answered 200, found 503 too busy')
})

test('what comes to a server that stands still waits, and is answered when it goes on', async () => {
  const held: (() => void)[] = []
  let most = 0
  let open = 0
  const client = await serving((request, response) => {
    open++
    most = Math.max(most, open)
    held.push(() => {
      open--
      reply('yes')(request, response)
    })
    // As many as come at once; the others come when these are answered.
    if (request.url === '/last' || held.length === 512) for (const answer of held.splice(0)) answer()
  })
  const asked = Array.from({ length: 600 }, (_, index) => client.ask({ path: index === 599 ? '/last' : `/${index}`, body: null }))
  expect((await Promise.all(asked)).map(({ body }) => body)).toEqual(Array.from({ length: 600 }, () => 'yes'))
  expect(most).toBe(512)
})
