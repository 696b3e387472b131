/** Requests to the place of a replicator that end early: given up here, or cut off there. */
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { placeFetch } from '../../runtime/node/unix-fetch.ts'
import type { InnerResponse } from '../../snapshots/inner-fetch.ts'

const open = async (listener: RequestListener): Promise<(signal: AbortSignal, body?: string) => Promise<InnerResponse>> => {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  // What a server listens at is no path.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const { port } = server.address() as AddressInfo
  const at = placeFetch({ kind: 'http', url: `http://127.0.0.1:${port}` })
  onTestFinished(() => {
    at.close()
    server.closeAllConnections()
    server.close()
  })
  return (signal, body) => at.fetch(`${at.url}/a?b=c`, { method: 'POST', headers: {}, signal, ...(body !== undefined && { body }) })
}

const never = new AbortController().signal

test('the path, the query and the body arrive, and the answer comes back whole', async () => {
  const text = 'ü'.repeat(100_000)
  const fetch = await open((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => response.end(`${request.method} ${request.url} ${body}`))
  })
  for (let times = 0; times < 3; times += 1) {
    const answer = await fetch(never, text)
    expect(answer.status).toBe(200)
    expect(await answer.text()).toBe(`POST /a?b=c ${text}`)
  }
})

test('whoever gives up is told why, whether the answer has begun or not, and the connection is closed', async () => {
  const closed: Promise<unknown>[] = []
  let begins = false
  const fetch = await open((_request, response) => {
    closed.push(once(response, 'close'))
    if (begins) response.write('half')
  })
  const before = AbortSignal.abort(new Error('before'))
  await expect(fetch(before)).rejects.toThrow('before')
  expect(closed.length).toBe(0)

  const waiting = new AbortController()
  const asked = fetch(waiting.signal)
  await vi.waitFor(() => expect(closed.length).toBe(1))
  waiting.abort(new Error('while waiting'))
  await expect(asked).rejects.toThrow('while waiting')
  await closed[0]

  begins = true
  const reading = new AbortController()
  const begun = await fetch(reading.signal)
  const text = begun.text()
  reading.abort(new Error('while reading'))
  await expect(text).rejects.toThrow('aborted')
  await closed[1]
})

test('an answer that is cut off has no text, whoever looks at it when', async () => {
  const fetch = await open((_request, response) => {
    response.writeHead(200, { 'content-length': 100 })
    response.write('half', () => response.destroy())
  })
  const early = await fetch(never)
  await expect(early.text()).rejects.toThrow('aborted')
  const late = await fetch(never)
  await delay(50)
  await expect(late.text()).rejects.toThrow('aborted')
})
