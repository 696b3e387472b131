/** Cells of real processes on a real Kafka and an S3 server: causal reads across cells, the all-in-one on Kafka, and a start with both down. */
import { randomUUID } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readManifest } from '../../snapshots/load-manifest.ts'
import { folderObjectStore } from '../../snapshots/node/folder-store.ts'
import { at, known } from '../../src/base/assert.ts'
import { developmentEnvironment } from '../../src/wire/api-key.ts'
import { testKafka } from '../support/kafka.ts'
import { testBucket, testS3 } from '../support/s3.ts'
import { eventually, grant, mayRead, startCell, startReplicator } from './support/cell-process.ts'
import { basic } from './support/policies.ts'
import { get, post, startServer, temporaryDirectory } from './support/process.ts'

const kafka = await testKafka()
const s3 = await testS3()

const eager = { ARCTOS_SNAPSHOT_RECORDS: '5', ARCTOS_SNAPSHOT_INTERVAL_MS: '200', ARCTOS_DELTA_INTERVAL_MS: '50' }

/** A topic and a bucket of a test's own. */
const places = async (): Promise<Readonly<Record<string, string>>> => {
  const server = known(kafka, 'there is a broker')
  const log = `kafka://${server.address}/test-${randomUUID()}?partitions=2`
  if (s3 === null) return { ...eager, ARCTOS_LOG: log }
  const { bucket, endpoint, region } = await testBucket(s3)
  const store = `s3://${bucket}/cell?endpoint=${encodeURIComponent(endpoint ?? '')}&region=${region ?? ''}`
  const credentials = {
    AWS_ACCESS_KEY_ID: process.env['AWS_ACCESS_KEY_ID'] ?? '',
    AWS_SECRET_ACCESS_KEY: process.env['AWS_SECRET_ACCESS_KEY'] ?? '',
  }
  return { ...eager, ...credentials, ARCTOS_LOG: log, ARCTOS_STORE: store }
}

const revisionOf = (token: string | null): number => Number(known(token, 'a token').split(':')[1])

const published = async (directory: string, revision: number): Promise<void> => {
  const objects = folderObjectStore(`${directory}/objects`, { create: false })
  await eventually(
    async () => {
      const read = await readManifest({ objects, env: developmentEnvironment })
      return read === null || read === 'unchanged' ? -1 : read.manifest.coveredThrough
    },
    (covered) => covered >= revision,
  )
}

describe.skipIf(kafka === null)('on Kafka', { timeout: 120_000 }, () => {
  test('two cells are one: a token of one is honoured by the other, in both directions', async () => {
    const settings = await places()
    const cells = [await startCell(2, settings), await startCell(1, settings)]
    const servers = cells.flatMap(({ runtimes }) => runtimes)
    for (const [index, writer] of servers.entries()) {
      const written = await grant(writer, `r${index}`)
      expect({ status: written.status, applied: written.headers.get('arctos-applied') }).toEqual({ status: 200, applied: null })
      for (const reader of servers) {
        const read = await mayRead(reader, `r${index}`, written.headers.get('osooffset'))
        expect({ status: read.status, body: read.body }).toEqual({ status: 200, body: { allowed: true } })
      }
    }
  })

  test('the all-in-one replicates in its own thread', async () => {
    const settings = await places()
    const directory = await temporaryDirectory()
    const first = await startServer({ directory, settings })
    await post(first, '/api/policy', { src: basic })
    const written = await grant(first, 'r')
    expect((await mayRead(first, 'r')).body).toEqual({ allowed: true })
    const cell = await startServer({ settings })
    expect((await mayRead(cell, 'r', written.headers.get('osooffset'))).body).toEqual({ allowed: true })
    expect(await first.end()).toBe(0)
    const again = await startServer({ directory, settings })
    expect((await mayRead(again, 'r', written.headers.get('osooffset'))).body).toEqual({ allowed: true })
  })

  test('a cell starts with Kafka and the object store down: it reads what it has, says so, and catches up by itself', async () => {
    const broker = known(kafka, 'there is a broker')
    const settings = await places()
    const cell = await startCell(1, settings)
    const token = (await grant(at(cell.runtimes, 0), 'before')).headers.get('osooffset')
    await published(cell.directory, revisionOf(token))
    await cell.replicator.end('SIGKILL')
    await at(cell.runtimes, 0).end('SIGKILL')
    await Promise.all([broker.kill(), s3?.kill()])
    let up = false
    const start = async (): Promise<void> => {
      if (!up) await Promise.all([broker.start(), s3?.start()])
      up = true
    }
    onTestFinished(start)
    await cell.restart()
    const runtime = await cell.runtime()
    const read = await mayRead(runtime, 'before', token)
    expect({ status: read.status, body: read.body }).toEqual({ status: 200, body: { allowed: true } })
    expect(read.headers.get('arctos-staleness-ms')).toBe('unknown')
    expect((await get(runtime, '/readyz')).status).toBe(503)
    const refused = await grant(runtime, 'during')
    expect({ status: refused.status, retry: refused.headers.get('retry-after') }).toEqual({ status: 503, retry: '1' })
    await start()
    const written = await eventually(
      () => grant(runtime, 'after'),
      ({ status }) => status === 200,
      60_000,
    )
    await eventually(
      () => mayRead(runtime, 'after', written.headers.get('osooffset')),
      ({ body }) => body.allowed,
    )
    await eventually(
      () => get(runtime, '/readyz'),
      ({ status }) => status === 200,
    )
  })

  test.skipIf(s3 === null)(
    'a bucket that is missing and credentials that are wrong: no start, and an error that says which, without a secret',
    async () => {
      const settings = await places()
      const store = settings['ARCTOS_STORE'] ?? ''
      const refused = async (changes: Readonly<Record<string, string>>): Promise<string> =>
        startReplicator(await temporaryDirectory(), { ...settings, ...changes }).then(
          () => 'it started',
          (error: unknown) => String(error),
        )
      expect(await refused({ ARCTOS_STORE: store.replace(/^s3:\/\/[^/]+/, 's3://no-such-bucket') })).toMatch(
        /the replicator cannot start: .*no such bucket/s,
      )
      const wrong = await refused({ AWS_SECRET_ACCESS_KEY: 'not-the-secret' })
      expect(wrong).toMatch(/the replicator cannot start: .*the secret key is wrong/s)
      expect(wrong).not.toContain('not-the-secret')
      const password = await refused({ ARCTOS_LOG: 'kafka://user:not-the-secret@127.0.0.1:1/none' })
      expect(password).toContain('ARCTOS_KAFKA_PASSWORD')
      expect(password).not.toContain('not-the-secret')
    },
  )

  test('a new cell without a log to be had says so and does not start', async () => {
    const settings = { ARCTOS_LOG: 'kafka://127.0.0.1:1/none', OSO_DIRECTORY: await temporaryDirectory() }
    await expect(startReplicator(settings.OSO_DIRECTORY, settings)).rejects.toThrow(/the replicator cannot start: .*127\.0\.0\.1:1/s)
  })
})
