/** The inner interface over HTTP when things go wrong: errors keep their meaning, what breaks is told, nothing is sent twice, nothing waits without end. */
import { once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { Budget } from '../../replicator/http-budget.ts'
import { RuntimeStreams } from '../../replicator/http-streams.ts'
import { inMemoryReplicator } from '../../replicator/in-process.ts'
import { placeFetch } from '../../runtime/node/unix-fetch.ts'
import { innerClient } from '../../snapshots/inner-client.ts'
import type { InnerFetch } from '../../snapshots/inner-fetch.ts'
import { Bug, known } from '../../src/base/assert.ts'
import { innerLimits } from '../../src/base/inner-limits.ts'
import { limits } from '../../src/base/limits.ts'
import { LogError, type LogErrorCode } from '../../src/log/log.ts'
import type { ReplicatorPlace } from '../../src/ops/places.ts'
import { refusal } from '../log/log-conformance.ts'
import { open, replicatorWith, type ServedReplicator } from './http-harness.ts'
import { note, reader } from './inner-conformance.ts'

const statuses: Readonly<Record<LogErrorCode, readonly [status: number, retryAfter: string | null]>> = {
  'too-large': [413, null],
  overloaded: [429, '1'],
  unavailable: [503, '1'],
  'unknown-outcome': [504, '1'],
  'out-of-range': [416, null],
  corrupted: [500, null],
  diverged: [409, null],
  unreadable: [500, null],
  'unknown-environment': [404, null],
}

/** A plain request. */
const raw = async ({ place }: { readonly place: ReplicatorPlace }, method: 'GET' | 'POST' | 'PUT', path: string, body?: string) => {
  const { url, fetch, close } = placeFetch(place)
  const request = { method, headers: {}, signal: AbortSignal.timeout(20_000), ...(body !== undefined && { body }) }
  const response = await fetch(url + path, request)
  const text = await response.text()
  close()
  return { status: response.status, retryAfter: response.headers.get('retry-after'), text }
}

describe('errors', () => {
  test.each(Object.entries(statuses))('`%s` arrives as what it was, with its status', async (code, [status, retryAfter]) => {
    // The one cast: the keys of the table are the codes.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    const error = new LogError(code as LogErrorCode, 'because of `this`')
    const fail = () => Promise.reject(error)
    const replicator = await replicatorWith({ append: fail, snapshot: fail, publish: fail, restore: fail, createEnvironment: fail })
    const { server, client } = await open({ replicator })
    const inner = client()
    for (const call of [
      () => inner.append('e', note('a'), 'w'),
      () => inner.snapshot('e'),
      () => inner.publish('e'),
      () => inner.restore('e', 1),
      () => inner.createEnvironment('f'),
    ]) {
      await expect(call()).rejects.toMatchObject({ name: 'LogError', code, message: 'because of `this`' })
    }
    const answer = await raw(server, 'POST', '/v1/environments/e/records?write-id=w', '["clear"]')
    expect({ status: answer.status, retryAfter: answer.retryAfter }).toEqual({ status, retryAfter })
  })

  test('a bug over there is a bug here', async () => {
    const replicator = await replicatorWith({ append: () => Promise.reject(new Bug('a broken assumption')) })
    const { client, lines } = await open({ replicator })
    await expect(client().append('e', note('a'), 'w')).rejects.toThrow(Bug)
    expect(lines.some((line) => line.includes('inner-request-failed'))).toBe(true)
  })

  test('requests that no runtime sends are refused, and hurt nobody', async () => {
    const { server, client } = await open()
    await client().createEnvironment('e')
    const records = '/v1/environments/e/records'
    const refusals: readonly (readonly ['GET' | 'POST' | 'PUT', string, string | undefined, number])[] = [
      ['POST', `${records}?write-id=w`, 'no JSON', 400],
      ['POST', `${records}?write-id=w`, '["unknown"]', 400],
      ['POST', `${records}?write-id=w`, undefined, 400],
      ['POST', records, '["clear"]', 400],
      ['POST', `${records}?write-id=w`, JSON.stringify(['policy', 'x'.repeat(innerLimits.bodyBytes), null]), 413],
      ['POST', `/v1/environments/${'x'.repeat(200)}/records?write-id=w`, '["clear"]', 404],
      ['POST', '/v1/environments/%zz/records?write-id=w', '["clear"]', 404],
      ['POST', '/v1/environments/none/records?write-id=w', '["clear"]', 404],
      ['GET', '/v1/stream', undefined, 426],
      ['POST', '/v1/stream', '{}', 404],
      ['POST', '/v1/environments/e/restore', '{"revision":"1"}', 400],
      ['PUT', '/v1/environments/e', '[]', 400],
      ['GET', '/v1/nothing', undefined, 404],
      ['GET', '/', undefined, 404],
      ['GET', '/objects/none', undefined, 404],
    ]
    for (const [method, path, body, status] of refusals) {
      expect({ method, path, status: (await raw(server, method, path, body)).status }).toEqual({ method, path, status })
    }
    expect((await client().append('e', note('a'), 'w')).revision).toBe(1)
  })
})

describe('an append', () => {
  test('that was under way when the connection broke has an unknown outcome, and was sent once', async () => {
    let appends = 0
    const replicator = await replicatorWith({
      append: () => {
        appends++
        return new Promise(() => {})
      },
    })
    const { client, breakAll } = await throughProxy(await open({ replicator }))
    const appending = refusal(client.append('e', note('a'), 'w'))
    await vi.waitFor(() => expect(appends).toBe(1))
    breakAll()
    expect(await appending).toBe('unknown-outcome')
    expect(client.status().problem).not.toBeNull()
    await vi.waitFor(() => expect(client.status().state).toBe('running'), { timeout: 20_000 })
    expect(appends).toBe(1)
  })

  test('whose answer is cut off has an unknown outcome', async () => {
    const { client } = await open()
    const inner = client({
      over: cutOff((url) => url.includes('/records')),
    })
    await inner.createEnvironment('e')
    // What is longer than this is a request of its own.
    const long = 'a'.repeat(innerLimits.streamAppendChars)
    expect(await refusal(inner.append('e', note(long), 'w'))).toBe('unknown-outcome')
  })

  test('to a replicator that is not there is refused without a try, and tried again by nobody', async () => {
    const { client, stopProxy } = await throughProxy(await open())
    await client.createEnvironment('e')
    await stopProxy()
    await vi.waitFor(() => expect(client.status().state).toBe('unreachable'), { timeout: 20_000 })
    expect(await refusal(client.append('e', note('a'), 'w'))).toBe('unavailable')
    expect(await refusal(client.environments())).toBe('unavailable')
    expect(client.status().problem).toMatchObject({ code: 'unavailable' })
  })

  test('beyond the bound is refused here, before it is sent', async () => {
    const replicator = await replicatorWith({ append: () => new Promise(() => {}) })
    const { client } = await open({ replicator })
    const inner = client()
    await inner.environments()
    const appends = Array.from({ length: limits.appendQueueRecords }, (_, index) => inner.append('e', note('a'), `w${index}`))
    for (const append of appends) append.catch(() => {})
    expect(inner.status().pending).toBe(limits.appendQueueRecords)
    expect(await refusal(inner.append('e', note('a'), 'one more'))).toBe('overloaded')
  })
})

describe('a tail', () => {
  test('ends with `unavailable` when the connection breaks, and the next one begins when there is a connection again', async () => {
    const { client, breakAll } = await throughProxy(await open())
    await client.createEnvironment('e')
    const first = reader()
    client.tail('e', -1, first)
    await first.count(1)
    breakAll()
    expect(await first.failure()).toMatchObject({ name: 'LogError', code: 'unavailable' })
    const second = reader()
    client.tail('e', 0, second)
    await vi.waitFor(() => expect(client.status().state).toBe('running'), { timeout: 20_000 })
    await client.append('e', note('a'), 'a')
    await second.count(1)
    expect(second.records.map(({ revision }) => revision)).toEqual([1])
    expect(second.failures).toEqual([])
  })

  test('the first of an environment fails at once without a replicator; the one after it waits', async () => {
    const at = placeFetch({ kind: 'unix', path: '/tmp/arctos-there-is-nothing.sock' })
    const client = innerClient({ ...at, secret: null, monotonicMs: () => performance.now(), log: () => {} })
    onTestFinished(() => client.close())
    expect(await client.reached).toBe(false)
    const first = reader()
    client.tail('e', -1, first)
    expect(await first.failure()).toMatchObject({ code: 'unavailable' })
    const second = reader()
    const end = client.tail('e', -1, second)
    expect(await refusal(client.snapshot('e'))).toBe('unavailable')
    expect(second.failures).toEqual([])
    end()
  })

  test('with a record that this version cannot read ends, and no other', async () => {
    const strange =
      (own: InnerFetch): InnerFetch =>
      async (url, request) => {
        const response = await own(url, request)
        return response.send !== undefined ? { ...response, body: replaced(known(response.body, 'lines')) } : response
      }
    const { client } = await open()
    const inner = client({ over: strange })
    for (const env of ['e', 'f']) await inner.createEnvironment(env)
    const [first, second] = [reader(), reader()]
    inner.tail('e', -1, first)
    inner.tail('f', -1, second)
    await Promise.all([first.count(1), second.count(1)])
    await inner.append('e', note('strange'), 'a')
    expect(await first.failure()).toMatchObject({ code: 'unreadable', message: expect.stringContaining('record 1 of environment `e`') })
    await inner.append('f', note('a'), 'a')
    await second.count(2)
    expect(second.failures).toEqual([])
  })

  /** One kind of change becomes another, as a newer version may write it. */
  async function* replaced(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    for await (const chunk of chunks) {
      const text = new TextDecoder().decode(chunk)
      yield new TextEncoder().encode(text.includes('Text","strange') ? text.replace('[["+"', '[["*"') : text)
    }
  }

  test('of a replicator that says nothing any more ends within seconds', async () => {
    const { client, freeze } = await throughProxy(await open())
    await client.createEnvironment('e')
    const read = reader()
    client.tail('e', -1, read)
    await read.count(1)
    freeze()
    expect(await read.failure()).toMatchObject({ code: 'unavailable' })
    expect(client.status().state).toBe('unreachable')
    const stalenessMs = known(client.stalenessMs('e'), 'it was at the head once')
    await vi.waitFor(() => expect(client.stalenessMs('e')).toBeGreaterThan(stalenessMs))
  })

  test('of a runtime that is silent is ended over there, and nobody waits for it', async () => {
    const lines: string[] = []
    const streams = new RuntimeStreams((_level, event) => void lines.push(event), 30)
    onTestFinished(() => streams.close())
    const inner = await inMemoryReplicator()
    onTestFinished(() => inner.close())
    const port = await listening(createServer((socket) => streams.open(socket, { replicator: inner, budget: new Budget() })))
    const runtime = connect(port)
    const said: Buffer[] = []
    runtime.on('data', (chunk: Buffer) => void said.push(chunk))
    await once(runtime, 'close')
    expect(Buffer.concat(said).toString()).toMatch(/^HTTP\/1.1 101 .*\r\n\r\n\{"kind":"hello".*\n$/s)
    await vi.waitFor(() => expect(streams.count).toBe(0))
    expect(lines).toContain('runtime-silent')
  })
})

describe('a write of one runtime', () => {
  test('waits until another has applied it, within the bound', async () => {
    const replicator = await inMemoryReplicator({ settings: { appliedWaitMs: 200 } })
    const { client } = await open({ replicator })
    const [writer, other] = [client(), client()]
    await writer.createEnvironment('e')
    let release = (): void => {}
    let held = false
    const slow = reader(() => {
      if (!held) return undefined
      return new Promise<void>((resolve) => {
        release = resolve
      })
    })
    const own = reader()
    writer.tail('e', -1, own)
    other.tail('e', -1, slow)
    await Promise.all([own.count(1), slow.count(1)])
    // Nobody waits for one that was never at the head.
    await vi.waitFor(async () => {
      expect((await writer.append('e', note('a'), `${Math.random()}`)).applied).toBe(true)
      expect(slow.records.at(-1)?.revision).toBe(own.records.at(-1)?.revision)
    })
    held = true
    expect((await writer.append('e', note('b'), 'b')).applied).toBe(false)
    held = false
    release()
    await vi.waitFor(async () => expect((await writer.append('e', note('c'), `${Math.random()}`)).applied).toBe(true))
  })
})

describe('staleness', () => {
  test('is counted from our own clock, before the replicator looked', async () => {
    const replicator = await replicatorWith({ stalenessMs: () => 40 })
    const served = await open({ replicator })
    let nowMs = 1_000_000
    const client = served.client({ monotonicMs: () => nowMs })
    expect(client.stalenessMs('e')).toBeNull()
    const read = reader()
    client.tail('e', -1, read)
    await vi.waitFor(() => expect(client.stalenessMs('e')).toBe(40))
    nowMs += 5000
    expect(client.stalenessMs('e')).toBeGreaterThanOrEqual(40)
    await vi.waitFor(() => expect(client.stalenessMs('e')).toBe(40))
  })

  test('is unknown while the head was never seen, and while a tail is behind it', async () => {
    let ageMs: number | null = null
    let last = 100
    const inner = await inMemoryReplicator()
    const replicator = await replicatorWith({
      stalenessMs: () => ageMs,
      environments: async () => (await inner.environments()).concat([{ env: 'e', ephemeral: false, first: 0, last }]),
    })
    const { client } = await open({ replicator })
    const runtime = client()
    const read = reader()
    runtime.tail('e', -1, read)
    await read.count(1)
    expect(runtime.stalenessMs('e')).toBeNull()
    ageMs = 0
    await new Promise((resolve) => {
      setTimeout(resolve, 3 * innerLimits.heartbeatMs)
    })
    // The log goes on to 100, the tail has come to 0.
    expect(runtime.stalenessMs('e')).toBeNull()
    last = 0
    await vi.waitFor(() => expect(runtime.stalenessMs('e')).not.toBeNull(), { timeout: 20_000 })
    await inner.close()
  })
})

describe('an image', () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, index) => index % 251)
  const head = { revision: 7, through: 9, rawBytes: bytes.length, stateHash: 'abc', schemaVersion: 3 }

  async function* parts(until = bytes.length): AsyncIterable<Uint8Array> {
    for (let start = 0; start < until; start += 65_536) yield bytes.subarray(start, Math.min(start + 65_536, until))
  }

  const collect = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
    const found: Uint8Array[] = []
    for await (const chunk of chunks) found.push(chunk)
    return new Uint8Array(Buffer.concat(found))
  }

  test('arrives whole, with what is known of it; null where there is none', async () => {
    const replicator = await replicatorWith({ snapshot: async (env) => (env === 'e' ? { ...head, chunks: parts() } : null) })
    const { client } = await open({ replicator })
    const inner = client()
    const { chunks, ...found } = known(await inner.snapshot('e'), 'an image')
    expect(found).toEqual(head)
    expect(await collect(chunks)).toEqual(bytes)
    expect(await inner.snapshot('f')).toBeNull()
  })

  test.each([
    ['the replicator fails', () => failing()],
    ['bytes are missing', () => parts(100_000)],
  ])('breaks off when %s on the way', async (_, chunks) => {
    const replicator = await replicatorWith({ snapshot: async () => ({ ...head, chunks: chunks() }) })
    const { client } = await open({ replicator })
    const image = known(await client().snapshot('e'), 'an image')
    await expect(collect(image.chunks)).rejects.toMatchObject({ code: 'unavailable', message: expect.stringContaining('broke off after') })
  })

  async function* failing(): AsyncIterable<Uint8Array> {
    yield bytes.subarray(0, 100_000)
    throw new Error('the disk')
  }

  test('breaks off when the connection does', async () => {
    const replicator = await replicatorWith({ snapshot: async () => ({ ...head, chunks: slow() }) })
    const { client, breakAll } = await throughProxy(await open({ replicator }))
    const image = known(await client.snapshot('e'), 'an image')
    const collecting = collect(image.chunks)
    breakAll()
    await expect(collecting).rejects.toMatchObject({ code: 'unavailable' })
  })

  async function* slow(): AsyncIterable<Uint8Array> {
    yield bytes.subarray(0, 1000)
    await new Promise(() => {})
  }

  test('that nobody reads to its end leaves the replicator usable', async () => {
    const replicator = await replicatorWith({ snapshot: async () => ({ ...head, chunks: parts() }) })
    const { client } = await open({ replicator })
    const inner = client()
    for (let times = 0; times < 100; times++) {
      const image = known(await inner.snapshot('e'), 'an image')
      for await (const _ of image.chunks) break
    }
    expect(await inner.append('e', note('a'), 'w')).toMatchObject({ revision: 1 })
  })
})

test('a place where no replicator of this version is says so', async () => {
  const port = await listening(createHttpServer((_request, response) => void response.end('{"kind":"hello"}\n')))
  const at = placeFetch({ kind: 'http', url: `http://127.0.0.1:${port}` })
  const client = innerClient({ ...at, secret: null, monotonicMs: () => performance.now(), log: () => {} })
  onTestFinished(() => client.close())
  expect(await client.reached).toBe(false)
  expect(client.status()).toMatchObject({
    state: 'unreachable',
    problem: { code: 'unavailable', message: expect.stringContaining('none of a replicator of this version') },
  })
})

/** The port; closed with the test. */
const listening = async (server: Server | HttpServer): Promise<number> => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void server.close())
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

interface Proxied {
  readonly client: ReturnType<ServedReplicator['client']>
  /** Every connection, now. */
  readonly breakAll: () => void
  /** Nothing passes any more, nothing is closed. */
  readonly freeze: () => void
  readonly stopProxy: () => Promise<void>
}

/** A client behind a TCP proxy of the test's own. */
const throughProxy = async (served: ServedReplicator): Promise<Proxied> => {
  const pairs = new Set<readonly [Socket, Socket]>()
  let frozen = false
  const proxy: Server = createServer((near) => {
    const { place } = served.server
    const far = place.kind === 'unix' ? connect(place.path) : connect(Number(new URL(place.url).port))
    const pair = [near, far] as const
    pairs.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on('data', (chunk) => void (frozen ? undefined : to.write(chunk)))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        pairs.delete(pair)
        to.destroy()
      })
    }
  })
  const port = await listening(proxy)
  const at = placeFetch({ kind: 'http', url: `http://127.0.0.1:${port}` })
  const client = innerClient({ ...at, secret: null, monotonicMs: () => performance.now(), log: () => {} })
  const breakAll = (): void => {
    for (const [near, far] of pairs) {
      near.destroy()
      far.destroy()
    }
  }
  const stopProxy = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => {
      proxy.close(() => resolve())
    })
    breakAll()
    await closed
  }
  onTestFinished(async () => {
    await Promise.all([stopProxy().catch(() => {}), client.close()])
    at.close()
  })
  await client.reached
  return { client, breakAll, freeze: () => void (frozen = true), stopProxy }
}

/** Answers to these requests end before they are complete. */
const cutOff =
  (cut: (url: string) => boolean) =>
  (own: InnerFetch): InnerFetch =>
  async (url, request) => {
    const response = await own(url, request)
    return cut(url) ? { ...response, text: () => Promise.reject(new Error('socket hang up')) } : response
  }
