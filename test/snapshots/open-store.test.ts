/** The object store that the settings name: what is looked at before anything rests on it. */
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { memoryObjectStore } from '../../snapshots/memory-store.ts'
import { openObjectStore } from '../../snapshots/node/open-store.ts'
import { type ObjectStore, StoreError } from '../../snapshots/object-store.ts'
import { probeConditions } from '../../snapshots/probe-conditions.ts'
import { parseStorePlace, type StorePlace } from '../../src/ops/places.ts'
import { testDirectory } from '../support/directory.ts'
import { contentOf, refusal } from './object-store-conformance.ts'
import { faultyStore } from './store-faults.ts'

const placeOf = (text: string): StorePlace => {
  const parsed = parseStorePlace(text)
  if ('expected' in parsed) throw new Error(`expected ${parsed.expected}`)
  return parsed.place
}

test('a folder that is there is opened, and left as it was', async () => {
  const lines: string[] = []
  const store = await openObjectStore(placeOf(`file:${testDirectory()}`), { log: (_level, event) => lines.push(event) })
  await store.put('a', new Uint8Array(3))
  expect((await store.list('')).map(({ key }) => key)).toEqual(['a'])
  expect(lines).toEqual([])
})

test('a folder that is not there is told so', async () => {
  const place = placeOf(`file:${join(testDirectory(), 'none')}`)
  await expect(openObjectStore(place, { log: () => undefined })).rejects.toThrow(
    'there is no such folder; recovery is not automatic: create it',
  )
})

test('a web server is opened without a look, and read with the secret', async () => {
  const server = createServer((request, response) => {
    response.writeHead(request.headers.authorization === 'Bearer s3cret' && request.url === '/objects/lease.json' ? 200 : 403).end('{}')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a port was expected')
  const place = placeOf(`http://127.0.0.1:${address.port}/objects/`)
  const store = await openObjectStore(place, { secret: 's3cret', log: () => undefined })
  expect((await contentOf(store, 'lease.json'))?.length).toBe(2)
  expect(await refusal((await openObjectStore(place, { log: () => undefined })).get('lease.json'))).toBe('denied')
})

test('a server that cannot be reached is opened all the same, with a log line', async () => {
  const lines: string[] = []
  process.env['AWS_ACCESS_KEY_ID'] = 'x'
  process.env['AWS_SECRET_ACCESS_KEY'] = 'x'
  const place = placeOf('s3://bucket/prefix?endpoint=http://127.0.0.1:1')
  const store = await openObjectStore(place, {
    log: (level, event, fields) => lines.push(`${level} ${event} ${String(fields?.['error'])}`),
  })
  expect(lines).toEqual([
    expect.stringMatching(/^warn store-unreachable list of .*prefix.* in bucket bucket of .*ECONNREFUSED.*recovery is automatic/),
  ])
  expect(await refusal(store.get('a'))).toBe('unavailable')
})

test('stores that do not keep conditions are found out, and nothing is left behind', async () => {
  const real = memoryObjectStore()
  const variants: Readonly<Record<string, ObjectStore>> = {
    kept: real,
    // Both kinds of condition, or one of them.
    ignored: { ...real, put: (key, bytes) => real.put(key, bytes) },
    'ignored when there is none': {
      ...real,
      put: (key, bytes, condition) => real.put(key, bytes, condition?.kind === 'absent' ? undefined : condition),
    },
    'ignored over another': {
      ...real,
      put: (key, bytes, condition) => real.put(key, bytes, condition?.kind === 'version' ? undefined : condition),
    },
    refused: {
      ...real,
      put: async (key, bytes, condition) => {
        if (condition !== undefined) throw new StoreError('denied', 'not implemented')
        return real.put(key, bytes)
      },
    },
  }
  for (const [name, store] of Object.entries(variants)) expect(await probeConditions(store)).toBe(name.split(' ')[0])
  expect(await refusal(probeConditions(faultyStore(real, ({ operation }) => (operation === 'put' ? 'failed' : null))))).toBe('unavailable')
  expect(await real.list('')).toEqual([])
})
