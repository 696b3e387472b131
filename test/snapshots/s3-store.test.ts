/** The object store in a bucket of a real S3 server. */
import { createHash, createHmac } from 'node:crypto'
import { createConnection, createServer } from 'node:net'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type S3Server, s3Credentials, s3Region } from '../../scripts/servers/s3.ts'
import { openObjectStore } from '../../snapshots/node/open-store.ts'
import { type S3Place, s3ObjectStore } from '../../snapshots/node/s3-store.ts'
import { probeConditions } from '../../snapshots/probe-conditions.ts'
import { known } from '../../src/base/assert.ts'
import { testBucket, testS3, useCredentials } from '../support/s3.ts'
import { contentOf, noise, objectStoreConformance, refusal } from './object-store-conformance.ts'

const started = await testS3()
const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const signal = { timeout: 30_000, interval: 20 }

describe.skipIf(started === null)('on an S3 server', () => {
  // Only called where it runs.
  const server = (): S3Server => known(started, 'the server runs')

  for (const [name, more] of Object.entries({
    'a bucket': {},
    'a part of a bucket, few checksums': { prefix: 'a/b', checksums: 'when-required' },
  } as const))
    objectStoreConformance(
      name,
      async () => {
        const place = await testBucket(server(), more)
        return {
          store: s3ObjectStore(place),
          writer: s3ObjectStore(place),
          tear: (key, bytes) => tornPut(server(), place, key, bytes),
          garble: (key, bytes) => garbledPut(server(), place, key, bytes),
        }
      },
      { oneWinner: 'this server lets several writers win some races, which real S3 does not' },
    )

  test('a bucket that is missing is no missing object', async () => {
    const place = await testBucket(server())
    const store = s3ObjectStore({ ...place, bucket: 'no-such-bucket' })
    for (const work of [() => store.get('a'), () => store.put('a', text('a')), () => store.list('')])
      expect(await refusal(work())).toBe('missing')
    await expect(openObjectStore({ ...place, bucket: 'no-such-bucket' }, { log })).rejects.toThrow(
      'there is no such bucket; recovery is not automatic',
    )
  })

  test('wrong credentials are told apart', async () => {
    onTestFinished(() => useCredentials())
    const place = await testBucket(server())
    useCredentials({ accessKeyId: 'nobody', secretAccessKey: 'x' })
    await expect(openObjectStore(place, { log })).rejects.toThrow('the server does not know the access key')
    useCredentials({ ...s3Credentials, secretAccessKey: 'wrong' })
    await expect(openObjectStore(place, { log })).rejects.toThrow('the secret key is wrong')
    expect(await refusal(s3ObjectStore(place).get('a'))).toBe('denied')
  })

  test('a clock that is an hour off does not matter', async () => {
    const place = await testBucket(server())
    onTestFinished(() => void vi.useRealTimers())
    for (const skewMs of [3_600_000, -3_600_000]) {
      vi.useFakeTimers({ now: Date.now() + skewMs, toFake: ['Date'], shouldAdvanceTime: false })
      const store = s3ObjectStore(place)
      await store.put('a', text('here'))
      expect(await contentOf(store, 'a')).toEqual(text('here'))
      vi.useRealTimers()
    }
  })

  test('a server that is gone is unavailable, and back when it is', async () => {
    const place = await testBucket(server())
    const store = s3ObjectStore(place, { timeoutMs: 2000 })
    await store.put('a', text('here'))
    await server().kill()
    expect(await refusal(store.get('a'))).toBe('unavailable')
    expect(await refusal(store.put('a', text('x')))).toBe('unavailable')
    const lines: string[] = []
    const opened = await openObjectStore(place, { log: (_level, event) => lines.push(event) })
    expect(lines).toEqual(['store-unreachable'])
    await server().start()
    expect(await contentOf(opened, 'a')).toEqual(text('here'))
    expect(await contentOf(store, 'a')).toEqual(text('here'))
  })

  test('a server that does not answer is not waited for, nor one that stops in the middle', async () => {
    const place = await testBucket(server())
    const store = s3ObjectStore(place, { timeoutMs: 500 })
    await store.put('large', noise(48 * 1024 * 1024))
    const object = await store.get('large')
    if (object === null || object === 'unchanged') throw new Error('it is there')
    const chunks = object.chunks[Symbol.asyncIterator]()
    await chunks.next()
    await server().freeze()
    onTestFinished(() => server().thaw())
    const rest = async (): Promise<void> => {
      while ((await chunks.next()).done !== true);
    }
    expect(await refusal(rest())).toBe('unavailable')
    expect(await refusal(store.get('large'))).toBe('unavailable')
    expect(await refusal(store.put('small', text('x')))).toBe('unavailable')
    server().thaw()
    await vi.waitFor(async () => expect((await store.list('large')).length).toBe(1), signal)
  })

  test('objects that nobody reads give their connections back', async () => {
    const place = await testBucket(server())
    const store = s3ObjectStore(place, { timeoutMs: 3000 })
    await store.put('large', noise(3 * 1024 * 1024))
    // More than there are connections.
    for (let round = 0; round < 3; round++)
      await vi.waitFor(async () => Promise.all(Array.from({ length: 30 }, async () => store.get('large'))), signal)
    expect((await contentOf(store, 'large'))?.length).toBe(3 * 1024 * 1024)
  })

  test('a put whose answer was lost is known again by what is there', async () => {
    const place = await testBucket(server())
    const lossy = await lossyProxy(server())
    const store = s3ObjectStore({ ...place, endpoint: lossy.endpoint })
    const version = await store.put('a', text('first'), { kind: 'absent' })
    expect(lossy.lost()).toBe(1)
    expect(await s3ObjectStore(place).get('a', { unless: version })).toBe('unchanged')
    await s3ObjectStore(place).put('b', text('of another'))
    lossy.loseNext()
    expect(await refusal(store.put('b', text('first'), { kind: 'absent' }))).toBe('precondition')
    expect(await contentOf(store, 'b')).toEqual(text('of another'))
  })

  test('conditions are kept here, and looked at beforehand where a server has none', async () => {
    const place = await testBucket(server())
    expect(await probeConditions(s3ObjectStore(place))).toBe('kept')
    const without = s3ObjectStore(place, { conditions: false })
    const version = await without.put('a', text('a'), { kind: 'absent' })
    expect(await refusal(without.put('a', text('b'), { kind: 'absent' }))).toBe('precondition')
    expect(await refusal(without.put('a', text('b'), { kind: 'version', version: '"other"' }))).toBe('precondition')
    await without.put('a', text('b'), { kind: 'version', version })
    expect((await without.list('')).map(({ key }) => key)).toEqual(['a'])
  })

  test('opening looks at what is there, and leaves nothing behind', async () => {
    const lines: string[] = []
    const place = await testBucket(server(), { prefix: 'p' })
    const store = await openObjectStore(place, { log: (_level, event) => lines.push(event) })
    await store.put('a', text('a'))
    expect((await s3ObjectStore({ ...place, prefix: '' }).list('')).map(({ key }) => key)).toEqual(['p/a'])
    expect(lines).toEqual([])
  })

  test('the hash is in the metadata', async () => {
    const place = await testBucket(server())
    await s3ObjectStore(place).put('a', text('content'))
    const response = await signedRequest(server(), place, 'HEAD', 'a')
    expect(response.headers.get('x-amz-meta-sha256')).toBe(createHash('sha256').update('content').digest('hex'))
  })
})

test('no region and no endpoint is a clear error', async () => {
  const before = { ...process.env }
  onTestFinished(() => {
    process.env = before
  })
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_PROFILE']) delete process.env[name]
  process.env['AWS_CONFIG_FILE'] = '/nonexistent/config'
  const place: S3Place = {
    kind: 's3',
    bucket: 'x',
    prefix: '',
    endpoint: null,
    region: null,
    forcePathStyle: false,
    checksums: 'when-supported',
  }
  await expect(s3ObjectStore(place).get('a')).rejects.toMatchObject({ code: 'denied', message: expect.stringContaining('add `region=`') })
})

const log = (): void => undefined

const hash = (value: string | Uint8Array): string => createHash('sha256').update(value).digest('hex')

/** A signed request of our own making, so that its parts can be wrong. Source: the documentation of AWS Signature Version 4. */
const signature = (
  { endpoint }: S3Server,
  { bucket, prefix }: S3Place,
  { method, key, bodyHash }: { readonly method: string; readonly key: string; readonly bodyHash: string },
): { readonly path: string; readonly headers: Readonly<Record<string, string>> } => {
  const path = `/${bucket}/${prefix === '' ? '' : `${prefix}/`}${key}`
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '')
  const headers = { host: new URL(endpoint).host, 'x-amz-content-sha256': bodyHash, 'x-amz-date': time }
  const scope = `${time.slice(0, 8)}/${s3Region}/s3/aws4_request`
  const names = Object.keys(headers).join(';')
  const canonical = [method, path, '', ...Object.entries(headers).map(([name, value]) => `${name}:${value}`), '', names, bodyHash].join(
    '\n',
  )
  const keyed = (secret: string | Buffer, value: string): Buffer => createHmac('sha256', secret).update(value).digest()
  const signing = scope.split('/').reduce<string | Buffer>(keyed, `AWS4${s3Credentials.secretAccessKey}`)
  const signed = keyed(signing, ['AWS4-HMAC-SHA256', time, scope, hash(canonical)].join('\n')).toString('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${s3Credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signed}`
  return { path, headers: { ...headers, authorization } }
}

const signedRequest = async (server: S3Server, place: S3Place, method: string, key: string): Promise<Response> => {
  const { path, headers } = signature(server, place, { method, key, bodyHash: hash('') })
  return fetch(server.endpoint + path, { method, headers })
}

/** Half of the bytes arrive, then the connection is cut. */
const tornPut = async (server: S3Server, place: S3Place, key: string, bytes: Uint8Array): Promise<void> => {
  const { path, headers } = signature(server, place, { method: 'PUT', key, bodyHash: hash(bytes) })
  const socket = createConnection({ host: '127.0.0.1', port: server.port })
  const head = Object.entries({ ...headers, 'content-length': String(bytes.length) }).map(([name, value]) => `${name}: ${value}\r\n`)
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.write(`PUT ${path} HTTP/1.1\r\n${head.join('')}\r\n`)
    socket.write(bytes.subarray(0, bytes.length / 2), () => resolve())
  })
  socket.destroy()
}

const garbledPut = async (server: S3Server, place: S3Place, key: string, bytes: Uint8Array): Promise<'refused'> => {
  const client = new S3Client({
    endpoint: server.endpoint,
    region: s3Region,
    forcePathStyle: true,
    credentials: s3Credentials,
    maxAttempts: 1,
  })
  const Key = place.prefix === '' ? key : `${place.prefix}/${key}`
  const put = client.send(
    new PutObjectCommand({ Bucket: place.bucket, Key, Body: bytes, ChecksumSHA256: Buffer.alloc(32, 1).toString('base64') }),
  )
  await expect(put).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } })
  client.destroy()
  return 'refused'
}

interface LossyProxy {
  readonly endpoint: string
  loseNext(): void
  /** How many answers were lost. */
  lost(): number
}

/** Cuts the connection when the first answer comes, and whenever it is told to. */
const lossyProxy = async (server: S3Server): Promise<LossyProxy> => {
  let isLosing = true
  let lost = 0
  const proxy = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: server.port })
    client.pipe(upstream)
    upstream.on('data', (bytes) => {
      if (!isLosing || bytes.toString('latin1').startsWith('HTTP/1.1 100')) return client.write(bytes)
      isLosing = false
      lost++
      return client.destroy()
    })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  await new Promise<void>((resolve) => {
    proxy.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void proxy.close())
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('a port was expected')
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    loseNext: () => {
      isLosing = true
    },
    lost: () => lost,
  }
}
