/** Connections that become streams, and what is said over them: who may open one, what is nonsense, and what a replicator that ends still answers. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Budget } from '../../replicator/http-budget.ts'
import { RuntimeStreams } from '../../replicator/http-streams.ts'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { innerLimits } from '../../src/base/inner-limits.ts'
import { parseLine, printLine, type StreamLine } from '../../src/wire/inner.ts'
import { refusal } from '../log/log-conformance.ts'
import { open, replicatorWith, type ServedReplicator, serve } from './http-harness.ts'
import { note, reader } from './inner-conformance.ts'

interface Spoken {
  readonly socket: Socket
  /** Everything that came. */
  readonly text: () => string
  readonly lines: () => readonly StreamLine[]
}

/** A connection on which the test itself speaks. */
const speak = async ({ server: { place } }: ServedReplicator, first: string): Promise<Spoken> => {
  const socket = connect(place.kind === 'unix' ? place.path : '')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  let found = ''
  socket.setEncoding('utf8').on('data', (text: string) => (found += text))
  socket.write(first)
  const lines = (): readonly StreamLine[] => {
    const said = found.slice(found.indexOf('\r\n\r\n') + 4)
    return said
      .slice(0, said.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1)
      .map(parseLine)
  }
  return { socket, text: () => found, lines }
}

const asking = (path = '/v1/stream', headers = '', protocol = 'arctos-stream'): string =>
  `GET ${path} HTTP/1.1\r\nHost: replicator\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n${headers}\r\n`

const append = (number: number, writeId: string, text = '["clear"]', env = 'e'): string =>
  `${printLine({ kind: 'append', number, env, writeId })}${text}\n`

describe('a connection', () => {
  test.each([
    ['without the secret', asking(), 401],
    ['with another secret', asking('/v1/stream', 'Authorization: Bearer other\r\n'), 401],
    ['of a web page', asking('/v1/stream', 'Authorization: Bearer s3cret\r\nOrigin: http://evil.example\r\n'), 401],
    ['for another path', asking('/v1/streams', 'Authorization: Bearer s3cret\r\n'), 404],
  ])('%s is answered and closed', async (_, request, status) => {
    const { socket, text } = await speak(await open({ secret: 's3cret' }), request)
    await once(socket, 'close')
    expect(text()).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"message"`))
  })

  test('behind another request of the same packet hurts nobody', async () => {
    const served = await open({ secret: 's3cret' })
    const first = 'GET /livez HTTP/1.1\r\nHost: replicator\r\n\r\n'
    const { socket, text } = await speak(served, first + asking())
    await once(socket, 'close')
    expect(text()).toContain(' 401 ')
    expect((await speak(served, first)).socket.destroyed).toBe(false)
    expect(await served.client().environments()).toMatchObject([{ env: 'control' }])
  })

  test('that is refused, and closes nothing itself, holds nobody up', async () => {
    const served = await serve({ secret: 's3cret' })
    const { place } = served.server
    const socket = connect({ path: place.kind === 'unix' ? place.path : '', allowHalfOpen: true })
    socket.resume().write(asking())
    await once(socket, 'end')
    await expect(served.end()).resolves.toBeUndefined()
    socket.destroy()
  })

  test('is one of so many at most: the next one is told to come again', async () => {
    const streams = new RuntimeStreams(() => {})
    onTestFinished(() => streams.close())
    const replicator = await inMemoryReplicator()
    onTestFinished(() => replicator.close())
    for (let count = 0; count < 256; count += 1) {
      streams.checkRoom()
      streams.open(new PassThrough(), { replicator, budget: new Budget() })
    }
    expect(() => streams.checkRoom()).toThrow(expect.objectContaining({ code: 'overloaded' }))
    streams.drain()
    expect(() => streams.checkRoom()).toThrow(expect.objectContaining({ code: 'unavailable' }))
  })

  test('of a runtime that leaves is over at once', async () => {
    const served = await open()
    const { socket, lines } = await speak(served, asking())
    await vi.waitFor(() => expect(lines().length).toBe(1))
    expect(served.server.runtimes).toBe(1)
    socket.end()
    await vi.waitFor(() => expect(served.server.runtimes).toBe(0), { timeout: innerLimits.silenceMs / 2 })
    expect(served.lines.some((line) => line.includes('runtime-silent'))).toBe(false)
  })

  test.each([
    ['/livez', 200],
    ['/v1/stream', 426],
  ])('that offers another protocol is answered as if it did not: %s', async (path, status) => {
    const { socket, text } = await speak(await open(), asking(path, '', 'h2c'))
    await vi.waitFor(() => expect(text()).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"message"`)))
    expect(text().includes('upgrade: arctos-stream')).toBe(status === 426)
    socket.destroy()
  })

  test('carries what came with the request that opened it', async () => {
    const replicator = await inMemoryReplicator()
    await replicator.createEnvironment('e')
    const { lines } = await speak(await open({ replicator }), asking() + append(7, 'w'))
    await vi.waitFor(() => expect(lines().map(({ kind }) => kind)).toEqual(['hello', 'appended']))
    expect(lines()[1]).toEqual({ kind: 'appended', number: 7, revision: 1, applied: true })
  })

  test('is ended by nonsense, and the log says why', async () => {
    const begin = printLine({ kind: 'commands', clock: null, open: [[0, 'control', -1]], taken: [], end: [] })
    for (const nonsense of ['no JSON\n', '{"kind":"other"}\n', append(1, ''), begin + begin]) {
      const served = await open()
      const { socket, lines } = await speak(served, asking())
      await vi.waitFor(() => expect(lines().length).toBe(1))
      socket.write(nonsense)
      await once(socket, 'close')
      expect(served.lines.some((line) => line.includes('runtime-not-understood'))).toBe(true)
    }
  })
})

describe('appends over a stream', () => {
  test('are answered each by its own number, and refused with what is wrong', async () => {
    const { lines } = await speak(
      await open(),
      asking() + append(1, 'a', '["clear"]', 'none') + append(2, 'b', '["clear"]', 'x'.repeat(5000)),
    )
    await vi.waitFor(() => expect(lines().length).toBe(3))
    for (const number of [1, 2])
      expect(lines()).toContainEqual({ kind: 'refused', number, error: { code: 'unknown-environment', message: expect.any(String) } })
  })

  test('whose records cannot be read are refused alone', async () => {
    const { socket, lines } = await speak(await open(), asking() + append(1, 'a', 'no record') + append(2, 'b', '["unknown"]'))
    await vi.waitFor(() => expect(lines().length).toBe(3))
    for (const number of [1, 2])
      expect(lines()).toContainEqual({ kind: 'refused', number, error: { code: null, message: expect.any(String) } })
    expect(socket.destroyed).toBe(false)
  })

  test('come in any number at once, and what is too long for it goes another way', async () => {
    const served = await open()
    const client = served.client()
    await client.createEnvironment('e')
    const own = reader()
    client.tail('e', -1, own)
    const long = note('x'.repeat(innerLimits.streamAppendChars))
    const writes = Array.from({ length: 200 }, (_, index) => client.append('e', index % 50 === 0 ? long : note(`n${index}`), `w${index}`))
    const revisions = (await Promise.all(writes)).map(({ revision }) => revision)
    expect(new Set(revisions).size).toBe(200)
    await own.count(201)
    expect((await client.append('e', note('n1'), 'w1')).revision).toBeGreaterThan(200)
  })

  test('are refused by a replicator that is about to end, which still answers those that it has', async () => {
    let appends = 0
    let release = (): void => {}
    const replicator = await replicatorWith({
      append: async () => {
        appends++
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return { revision: 1, applied: true }
      },
    })
    const served = await open({ replicator })
    const client = served.client()
    const first = client.append('e', note('a'), 'a')
    await vi.waitFor(() => expect(appends).toBe(1))
    const closing = served.server.close(10_000)
    expect(await refusal(client.append('e', note('b'), 'b'))).toBe('unavailable')
    await delay(50)
    release()
    expect(await first).toEqual({ revision: 1, applied: true })
    expect(appends).toBe(1)
    await closing
  })

  test('whose answers came before the end are answered, however late their runtime reads', async () => {
    let release = (): void => {}
    let isOpen = true
    const beforeTaking = async (): Promise<void> => {
      if (isOpen) return
      await new Promise<void>((resolve) => {
        release = resolve
      })
    }
    let nowMs = 0
    const served = await open({ replicator: await replicatorWith({ append: async () => ({ revision: 1, applied: true }) }) })
    const client = served.client({ monotonicMs: () => nowMs, beforeTaking })
    await client.reached
    isOpen = false
    nowMs = 1000
    const appending = client.append('e', note('a'), 'a')
    await delay(50)
    const closing = served.server.close(5000)
    await delay(3 * innerLimits.heartbeatMs)
    isOpen = true
    release()
    expect(await appending).toEqual({ revision: 1, applied: true })
    await closing
  })

  test('whose answer never comes have an unknown outcome when their client closes', async () => {
    const served = await open({ replicator: await replicatorWith({ append: () => new Promise(() => {}) }) })
    const client = served.client()
    await client.reached
    const appending = client.append('e', note('a'), 'a')
    const closed = client.close()
    expect(await refusal(appending)).toBe('unknown-outcome')
    await closed
  })
})
